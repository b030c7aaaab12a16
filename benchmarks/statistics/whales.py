"""Amounts far beyond all others: how many of them it takes to take the traffic."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import report
from benchmarks.statistics.less_is_better import AS_OF, build_row
from models_app.bandit.data import value_cells
from models_app.bandit.data.amount_sizes import AmountSizes
from models_app.bandit.design.design import Design, Factor, Floats
from models_app.bandit.policy import allocation
from models_app.bandit.rewards.fit import fit_reward

DESIGN = Design((Factor("a", ("0", "1")),), ())
DAYS, PAY_RATE, DRAWS, TYPICAL = 10, 0.1, 1_000, 20.0
WITH_WHALES = 1  # the variant that all of them are in
BUCKETS_OF_TEN = 4  # of single amounts, as the cube has them
Draw = Callable[[np.random.Generator, int], Floats]
Groups = list[tuple[int, int, int, Floats]]  # day, variant, users, amounts

# What other payers pay. No variant differs in it.
PAYMENTS: dict[str, Draw] = {
    "one price": lambda _rng, payers: np.full(payers, TYPICAL),
    "lognormal 1": lambda rng, payers: TYPICAL * rng.lognormal(0, 1, payers),
}
MEANS = {"one price": TYPICAL, "lognormal 1": TYPICAL * float(np.exp(0.5))}


@dataclass(frozen=True, slots=True)
class World:
    """A share (0 to 1) of `payers` pays `factor` times a typical amount, in one variant."""

    payments: str
    payers: int
    factor: float
    whales: float


@dataclass(frozen=True, slots=True)
class Row:
    """How far whales move their variant's share of traffic, with the bound and without.

    It is the change from 0 to 1 against the same payers of whom as many pay a typical
    amount instead; that share is half on average.
    """

    world: World
    bounded: report.Average
    in_full: report.Average


WORLDS = tuple(
    World(payments, payers, factor, whales)
    for payments in PAYMENTS
    for payers in (200, 2_000)
    for factor in (45.0, 1e4)
    for whales in (0.01, 0.04, 0.075, 0.2, 0.4)
)


def run_study(runs: int, seed: int, worlds: Iterable[World] = WORLDS) -> list[Row]:
    """Learn once from even traffic in `runs` worlds of each kind."""
    return [_run_world(runs, seed, world) for world in worlds]


def _run_world(runs: int, seed: int, world: World) -> Row:
    shares = [learn(world, [seed, run]) for run in range(runs)]
    return Row(
        world,
        report.compute_average([[bounded] for bounded, _ in shares]),
        report.compute_average([[in_full] for _, in_full in shares]),
    )


def learn(world: World, seed: list[int]) -> tuple[float, float]:
    """Return by how much the whales move the table as it is learned, and without a bound."""
    whales = _draw_rows(world, seed, world.factor * TYPICAL)
    typical = _draw_rows(world, seed, MEANS[world.payments])
    usual = _serve(typical, alike=True)
    return (
        float(np.abs(_serve(whales) - usual).max()),
        float(np.abs(_serve(whales, alike=True) - usual).max()),
    )


def _draw_rows(world: World, seed: list[int], size: float) -> Groups:
    """Return the users and amounts of each day and variant; whales pay this size.

    Both variants have as many payers on average; the whales are some of those of one.
    """
    rng = np.random.default_rng(seed)
    users = round(world.payers / PAY_RATE / DESIGN.variants / DAYS)
    payers = rng.binomial(users, PAY_RATE, (DAYS, DESIGN.variants))
    own = int(payers[:, WITH_WHALES].sum())
    is_whale = rng.permutation(np.arange(own) < world.whales * payers.sum())
    on_days = np.split(is_whale, payers[:-1, WITH_WHALES].cumsum())
    groups: Groups = []
    for day in range(DAYS):
        for variant in range(DESIGN.variants):
            values = PAYMENTS[world.payments](rng, int(payers[day, variant]))
            if variant == WITH_WHALES:
                values = np.where(on_days[day], size, values)
            groups.append((day, variant, users, values))
    return groups


def _serve(groups: Groups, *, alike: bool = False) -> Floats:
    """Return the shares [V] that are served; `alike` says that no amount is an outlier."""
    rows = [build_row(*group) for group in groups]
    sizes = _count_sizes(np.concatenate([group[-1] for group in groups]))
    if alike:
        sizes = AmountSizes(np.array([sizes.counts.sum()]), np.array([TYPICAL]))
    cells = value_cells.tabulate_amounts(rows, [0] * 32, 24, AS_OF, sizes)
    policy = allocation.compile_policy(
        fit_reward(DESIGN, cells).reward,
        np.ones(DESIGN.variants, bool),
        draws=DRAWS,
        seed=0,
    )
    return np.asarray(policy.probabilities[0])


def _count_sizes(amounts: Floats) -> AmountSizes:
    buckets = np.ceil(BUCKETS_OF_TEN * np.log10(amounts)).astype(int)
    places = buckets - buckets.min()
    return AmountSizes.sort(
        np.bincount(places).astype(float), np.bincount(places, amounts).astype(float)
    )


def main() -> None:
    """Print the table."""
    options = report.parse_arguments(runs=40)
    report.print_table(
        f"N18  {DESIGN.variants} equal variants, whales in one: by how many points of "
        "the traffic they move its share",
        ("others pay", "payers", "whales pay", "% of payers", "bounded", "in full"),
        [
            (
                row.world.payments,
                row.world.payers,
                f"x{row.world.factor:g}",
                f"{100 * row.world.whales:g}",
                row.bounded,
                row.in_full,
            )
            for row in run_study(options.runs, options.seed)
        ],
    )


if __name__ == "__main__":
    main()
