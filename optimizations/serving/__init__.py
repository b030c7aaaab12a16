"""Decide which variant a user gets: snapshots, draws, sticky assignments."""
