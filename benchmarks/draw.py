"""Measure the draw: `python -m benchmarks.draw`.

Prints how long a decision's draw takes, how many users move when the rows of the policy
change, and how far the shares of all possible seeds are from the probabilities.
"""

import argparse
import sys
import timeit
from collections.abc import Sequence
from time import process_time

try:
    import numpy as np
    from numpy.typing import NDArray

    from models_app.bandit.policy import allocation, rendezvous
except ModuleNotFoundError as error:
    raise SystemExit(
        f"benchmarks.draw needs the module {error.name}, which {sys.executable} does not "
        "have: run `make bench BENCH=draw`, which makes the environment first."
    ) from error

OPTIMIZATION = "3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b10"
ROWS: dict[str, list[float]] = {
    "0.1, 0.2, 0.3, 0.4": [0.1, 0.2, 0.3, 0.4],
    "4 even": [0.25] * 4,
    "a leader of 4": [0.9925, 0.0025, 0.0025, 0.0025],
    "20 ascending": [(n + 1) / 210 for n in range(20)],
}
CHUNK = 2**20
Words = NDArray[np.uint32]


def main() -> None:
    """Print all three measurements."""
    parser = argparse.ArgumentParser(prog="benchmarks.draw", description=__doc__)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument(
        "--bits", type=int, default=24, help="enumerate 2^bits words; 32 are all"
    )
    options = parser.parse_args()
    for variants in (2, 4, 20, 100):
        print(f"{variants} variants: {measure_microseconds(variants):.1f} µs a draw")
    for variants, spread in ((4, 0.1), (20, 0.1), (100, 0.14)):
        print_moved_users(variants, spread, options.users)
    for name, weights in ROWS.items():
        deviation = enumerate_deviation(weights, options.bits)
        print(f"{name}: shares of 2^{options.bits} words within {deviation:.2g}")


def measure_microseconds(variants: int) -> float:
    """Return the CPU time of one seed and one draw, the best of seven runs."""
    row = rendezvous.prepare_row([1 / variants] * variants)

    def draw() -> int:
        seed = rendezvous.compute_seed(OPTIMIZATION, "user-123456")
        return rendezvous.draw_from_row(row, seed)

    count = 5000
    return (
        min(timeit.repeat(draw, timer=process_time, number=count, repeat=7))
        / count
        * 1e6
    )


def print_moved_users(variants: int, spread: float, users: int) -> None:
    """Print the share of users who move between two rows, by both rules."""
    rng = np.random.default_rng(variants)
    before = rng.dirichlet(np.ones(variants))
    after = before * np.exp(rng.normal(0, spread, variants))
    after /= after.sum()
    rows = [rendezvous.prepare_row(row.tolist()) for row in (before, after)]
    sums = [allocation.accumulate_probabilities(row) for row in (before, after)]
    moved = moved_cumulative = 0
    for number in range(users):
        user = f"user-{number}"
        seed = rendezvous.compute_seed(OPTIMIZATION, user)
        first, second = (rendezvous.draw_from_row(row, seed) for row in rows)
        moved += first != second
        u = allocation.hash_to_uniform(OPTIMIZATION, user, 0)
        first, second = (allocation.choose_variant(row, u) for row in sums)
        moved_cumulative += first != second
    distance = np.abs(before - after).sum() / 2
    print(
        f"{variants} variants, rows {distance:.1%} apart: {moved / users:.1%} move; "
        f"{moved_cumulative / users:.1%} by running sums of one uniform"
    )


def enumerate_deviation(weights: Sequence[float], bits: int) -> float:
    """Return the largest relative deviation of a variant's share from its probability.

    The first word of the seed takes 2^bits evenly spaced values. The second word is left
    out: it changes a uniform by less than 2^-27.
    """
    shares = np.array(weights) / sum(weights)
    wins = np.zeros(len(weights))
    for start in range(0, 2**bits, CHUNK):
        words = (np.arange(start, start + CHUNK) << (32 - bits)).astype(np.uint32)
        times = [
            -np.log(_mix_uniforms(words, number)) / weight
            for number, weight in enumerate(weights, start=1)
        ]
        wins += np.bincount(np.argmin(times, axis=0), minlength=len(weights))
    return float(np.abs(wins / wins.sum() / shares - 1).max())


def _mix_uniforms(words: Words, number: int) -> NDArray[np.float64]:
    word = words ^ np.uint32(number * rendezvous.HIGH_MULTIPLIER & 0xFFFFFFFF)
    word = (word ^ _shift(word, 16)) * np.uint32(0x85EBCA6B)
    word = (word ^ _shift(word, 13)) * np.uint32(0xC2B2AE35)
    steps = _shift(word ^ _shift(word, 16), 5).astype(np.float64)
    return steps * 2.0**-27 + 2.0**-28


def _shift(words: Words, bits: int) -> Words:
    return np.right_shift(words, np.uint32(bits))


if __name__ == "__main__":
    main()
