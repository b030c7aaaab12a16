"""Regret of the learner and of engines a user might pick instead, on the same traffic."""
