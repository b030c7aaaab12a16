"""Train models: from the observation cube to the next policy version."""
