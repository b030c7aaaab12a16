"""Decide which variant a visitor gets: snapshots, draws, sticky assignments."""
