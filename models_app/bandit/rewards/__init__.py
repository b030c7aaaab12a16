"""Reward models: conversions, amounts and several outcomes, each a set of regressions."""
