"""Draw variants by weighted rendezvous: an exponential race that a user's hash decides.

Every variant gets a time -ln(u) / weight, where u is a uniform number that depends on
the user and the number of the variant only. The shortest time wins. So a variant wins
with the probability weight / sum of weights, and a change of one weight moves only users
to or from that variant. The rule is the weighted form of Thaler and Ravishankar, "Using
name-based mappings to increase hit rates", IEEE/ACM Trans. Networking 6 (1998).

docs/serving.md publishes the rule for clients that decide themselves, and
docs/policy-vectors.json has test vectors.
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


class PreparedRow(NamedTuple):
    """A row of the policy table, prepared for `draw_from_row`.

    `indices` are the 0-based variants with a weight above 0, ascending; `weights` are
    theirs.
    """

    indices: tuple[int, ...]
    weights: tuple[float, ...]
    lanes: Lanes


def compute_seed(optimization_id: str, anonymous_id: str, redraw: int = 0) -> Seed:
    """Return the two 32-bit words that decide all draws of a user.

    `redraw` counts the draws of this user before: 0 for the first. Each has its own
    words, because the old ones are no longer uniform once it is known which variant won.
    """
    text = f"{optimization_id}:{anonymous_id}"
    if redraw:
        text = f"{text}:{redraw}"
    high, low = SEED_WORDS.unpack_from(hashlib.sha256(text.encode()).digest())
    return high, low


def prepare_row(weights: Sequence[float]) -> PreparedRow:
    """Prepare a row [V] of weights, in the order of variant numbers.

    The weights need not sum to 1. A variant with weight 0 never wins. Raises ValueError
    if no weight is above 0.
    """
    indices = tuple(index for index, weight in enumerate(weights) if weight > 0)
    if not indices:
        raise ValueError("weights: at least one weight must be above 0")
    return PreparedRow(
        indices,
        tuple(float(weights[index]) for index in indices),
        _build_lanes(indices),
    )


def draw_from_row(row: PreparedRow, seed: Seed) -> int:
    """Return the 0-based variant that wins the race of a prepared row.

    The lowest number wins a tie.
    """
    times = [
        -log((step + 0.5) * UNIFORM_STEP) / weight
        for step, weight in zip(
            _mix_uniform_steps(row.lanes, seed), row.weights, strict=True
        )
    ]
    return row.indices[times.index(min(times))]


def draw_index(weights: Sequence[float], seed: Seed) -> int:
    """Return the 0-based variant that wins the race of a row [V] of weights.

    Raises ValueError if no weight is above 0.
    """
    return draw_from_row(prepare_row(weights), seed)


def compute_uniforms(seed: Seed, count: int) -> list[float]:
    """Return the uniforms of the variants with numbers 1 to `count`, each in (0, 1]."""
    steps = _mix_uniform_steps(_build_lanes(tuple(range(count))), seed)
    return [(step + 0.5) * UNIFORM_STEP for step in steps]


def _mix_uniform_steps(lanes: Lanes, seed: Seed) -> tuple[int, ...]:
    """Return 53 mixed bits for each variant of the lanes.

    high and low are fmix32, the finalizer of MurmurHash3 (A. Appleby, public domain), of
    a seed word and a multiple of the variant number. The step is the first 27 bits of
    high, then the first 26 of low.
    """
    # Unpacked at once: the attributes of a tuple cost more than its locals.
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
def _build_lanes(indices: tuple[int, ...]) -> Lanes:
    """Return the constants for the 0-based variants."""
    count = len(indices)
    ones = sum(1 << LANE_BITS * lane for lane in range(count))
    shift = LANE_BITS * count
    low_words = high_words = 0
    for lane, index in enumerate(indices):
        number = index + 1
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
