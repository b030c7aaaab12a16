"""How many rows and how much text functions make out of nothing."""
