"""The observation cube: which days to count, how to ask, and where counts are stored."""
