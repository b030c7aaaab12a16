"""From the posterior of a reward to the probability of serving each variant."""
