"""English: the only language of the staff pages."""
