"""The published draw, written as docs/serving.md says it, one variant at a time."""

import math

WORD = 0xFFFFFFFF


def draw_number(weights: list[float], seed: tuple[int, int]) -> int:
    """Return the number, from 1, of the variant that a row of weights draws."""
    times = {
        number: -math.log(compute_uniform(number, seed)) / weight
        for number, weight in enumerate(weights, start=1)
        if weight > 0
    }
    return min(times, key=lambda number: (times[number], number))


def compute_uniform(number: int, seed: tuple[int, int]) -> float:
    """Return the uniform of a variant number."""
    high = _finalize(seed[0] ^ (number * 0x9E3779B9 & WORD))
    low = _finalize(seed[1] ^ (number * 0x85EBCA6B & WORD))
    return ((high >> 5) * 2**26 + (low >> 6) + 0.5) / 2**53


def _finalize(word: int) -> int:
    """Return fmix32 of MurmurHash3."""
    word = (word ^ word >> 16) * 0x85EBCA6B & WORD
    word = (word ^ word >> 13) * 0xC2B2AE35 & WORD
    return word ^ word >> 16
