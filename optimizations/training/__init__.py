"""Turn the observation cube into the next policy version."""
