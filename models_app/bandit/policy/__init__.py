"""From a posterior to the probability of serving each variant."""
