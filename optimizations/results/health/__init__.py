"""What is wrong with an optimization's figures, what to do about it, and who is told."""
