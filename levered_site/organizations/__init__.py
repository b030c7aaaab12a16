"""Who is asking, and what was done in their name."""
