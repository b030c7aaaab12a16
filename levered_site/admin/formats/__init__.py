"""How the staff pages write dates, per language."""
