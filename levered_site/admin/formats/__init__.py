"""Date formats of the admin pages, per language."""
