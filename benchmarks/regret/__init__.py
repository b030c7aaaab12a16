"""Regret of the learner and of other engines on the same simulated traffic."""
