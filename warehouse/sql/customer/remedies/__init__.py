"""What to write instead of a call that a dialect does not have."""
