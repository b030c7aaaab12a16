"""How we speak HTTP; knows no model."""
