"""Logarithms of the gamma and beta functions on arrays, without scipy."""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Stirling's series is exact to 1e-14 from here on.
STIRLING_FROM = 10
STIRLING_TERMS = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)


def compute_log_gamma(x: Floats) -> Floats:
    """Return log Γ(x) for x > 0, elementwise; log Γ(x) = log Γ(x + n) - Σ log(x + i)."""
    x = np.asarray(x, dtype=float)
    shift = np.ones_like(x)
    if x.size and x.min() < STIRLING_FROM:
        small, x = x, x.copy()
        for step in range(STIRLING_FROM):
            is_small = small + step < STIRLING_FROM
            shift = np.where(is_small, shift * (small + step), shift)
            x += is_small
    inverse = 1 / x
    square, series = inverse * inverse, np.zeros_like(x)
    for term in reversed(STIRLING_TERMS):
        series = series * square + term
    stirling = (x - 0.5) * np.log(x) - x + math.log(2 * math.pi) / 2 + series * inverse
    return np.asarray(stirling - np.log(shift))


def compute_log_beta(a: Floats, b: Floats) -> Floats:
    """Return log B(a, b) for a, b > 0, elementwise."""
    whole = compute_log_gamma(np.asarray(a + b))
    return compute_log_gamma(a) + compute_log_gamma(b) - whole
