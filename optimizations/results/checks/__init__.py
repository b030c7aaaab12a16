"""Checks of counts and logs: what may be wrong with them."""
