"""Decide without asking the service for each user."""
