"""Estimate what another policy would have earned on the logged traffic."""
