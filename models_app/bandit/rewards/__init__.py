"""Reward models: conversions, amounts and outcomes, each a set of regressions."""
