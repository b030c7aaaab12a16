"""The draw: weighted rendezvous. docs/serving.md of the service has the rule.

Every variant gets a time -ln(u) / probability, where u is a uniform number that depends
on the user and the number of the variant only. The shortest time wins.
"""

import hashlib
import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import log
from typing import Any, NamedTuple

Seed = tuple[int, int]

SEED_WORDS = struct.Struct(">2I")
HIGH_MULTIPLIER = 0x9E3779B9
LOW_MULTIPLIER = 0x85EBCA6B
WORD = 0xFFFFFFFF
LANE_BITS = 64
UNIFORM_STEP = 2.0**-53


class Lanes(NamedTuple):
    """Constants to mix the uniforms of n variants at once, each in 64 bits of an integer.

    An integer holds 2n lanes: the low words of all variants, then their high words.
    Operations on the whole integer cost hardly more than on one word.
    """

    high_ones: int
    low_ones: int
    variant_words: int
    word_mask: int
    high_shift: int
    high_mask: int
    low_mask: int
    size: int
    unpack: Callable[[bytes], tuple[Any, ...]]


class Row(NamedTuple):
    """A row of the policy: variants with a probability above 0, by ascending number."""

    numbers: tuple[int, ...]
    probabilities: tuple[float, ...]
    lanes: Lanes


def prepare_row(probabilities: Sequence[float]) -> Row:
    """Prepare the probabilities of all variants, in the order of their numbers."""
    numbers = tuple(number for number, each in enumerate(probabilities, 1) if each > 0)
    positive = tuple(float(probabilities[number - 1]) for number in numbers)
    return Row(numbers, positive, _build_lanes(numbers))


def compute_seed(text: str) -> Seed:
    """Return the first two 32-bit words of a text's SHA-256, big-endian."""
    high, low = SEED_WORDS.unpack_from(hashlib.sha256(text.encode()).digest())
    return high, low


def compute_holdout_hash(text: str) -> str:
    """Return the 8 hex characters to compare with the holdout's threshold."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8]


def draw(row: Row, seed: Seed) -> tuple[int, float]:
    """Return the number of the variant that wins, and its probability.

    The lower number wins a tie.
    """
    numbers, probabilities, lanes = row
    times = [
        -log((step + 0.5) * UNIFORM_STEP) / probability
        for step, probability in zip(
            _mix_steps(lanes, seed), probabilities, strict=True
        )
    ]
    place = times.index(min(times))
    return numbers[place], probabilities[place]


def _mix_steps(lanes: Lanes, seed: Seed) -> tuple[int, ...]:
    """Return 53 mixed bits for each variant, by the finalizer of MurmurHash3."""
    high_ones, low_ones, words, mask, high_shift, high_mask, low_mask, size, unpack = (
        lanes
    )
    x = (seed[0] * high_ones + seed[1] * low_ones) ^ words
    x ^= x >> 16 & mask
    x = x * 0x85EBCA6B & mask
    x ^= x >> 13 & mask
    x = x * 0xC2B2AE35 & mask
    x ^= x >> 16 & mask
    steps = (x >> high_shift & high_mask) << 26 | x >> 6 & low_mask
    return unpack(steps.to_bytes(size, "little"))


@lru_cache(maxsize=256)
def _build_lanes(numbers: tuple[int, ...]) -> Lanes:
    count = len(numbers)
    ones = sum(1 << LANE_BITS * lane for lane in range(count))
    shift = LANE_BITS * count
    low_words = high_words = 0
    for lane, number in enumerate(numbers):
        low_words |= (number * LOW_MULTIPLIER & WORD) << LANE_BITS * lane
        high_words |= (number * HIGH_MULTIPLIER & WORD) << LANE_BITS * lane
    return Lanes(
        high_ones=ones << shift,
        low_ones=ones,
        variant_words=high_words << shift | low_words,
        word_mask=(ones << shift | ones) * WORD,
        high_shift=shift + 5,
        high_mask=ones * (2**27 - 1),
        low_mask=ones * (2**26 - 1),
        size=8 * count,
        unpack=struct.Struct(f"<{count}Q").unpack,
    )
