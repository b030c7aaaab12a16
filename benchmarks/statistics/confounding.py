"""T10: time and allocation move together. Does one pass for the other?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.statistics import report
from benchmarks.statistics.two_variants import (
    NORMAL_97_5,
    Contrast,
    build_cells,
    compute_shares,
    fit_posterior,
    read_contrast,
)
from models_app.bandit.design.design import Floats
from models_app.bandit.policy.allocation import AllocationRule

Time = Literal["falling", "daily cycle"]
RATE = 0.08

CHEAPER = 10
"""Times as many runs where the product does not have to learn after each stratum."""


@dataclass(frozen=True, slots=True)
class World:
    """How the base rate moves, who allocates, users a stratum, and the true contrast.

    `rule` None: the share of the second variant is set to move with the base rate, as
    harmfully as can be; else the product allocates by it after each stratum. `effect`
    is the second variant's, in log odds.
    """

    time: Time
    rule: AllocationRule | None
    users: int
    effect: float

    @property
    def strata(self) -> int:
        """20 days, or 96 hours."""
        return 20 if self.time == "falling" else 96

    @property
    def rates(self) -> Floats:
        """Base rate [strata]: down by four fifths, or up and down by half daily."""
        moment = np.arange(self.strata)
        if self.time == "falling":
            return np.asarray(RATE * np.exp(-0.08 * moment))
        return np.asarray(RATE * (1 + 0.5 * np.sin(moment * np.pi / 12)))

    def share(self, stratum: int) -> float:
        """Share of the second variant where it is set: starved, or with the hour."""
        if self.time == "falling":
            return 0.5 if stratum < self.strata // 4 else 0.05
        return 0.5 + 0.45 * float(np.sin(stratum * np.pi / 12))


RULES: tuple[AllocationRule | None, ...] = (None, "default", "thompson")
USERS: dict[Time, int] = {"falling": 200_000, "daily cycle": 50_000}
WORLDS = tuple(
    World(time, rule, users, effect)
    for time, users in USERS.items()
    for rule in RULES
    for effect in (0.0, -0.1)
)


@dataclass(frozen=True, slots=True)
class Row:
    """`bias` in percent of the odds; `crowned`: the second variant is held for better.

    `raw_bias`, `raw_crowned`: the same by rates over all time, as a dashboard has them.
    """

    world: World
    covered: report.Share
    bias: float
    bias_error: float
    crowned: report.Share
    raw_bias: float
    raw_crowned: report.Share


def run_study(runs: int, seed: int, some: Sequence[World] = WORLDS) -> list[Row]:
    """Learn every world `runs` times."""
    rng = np.random.default_rng(seed)
    return [_run_world(runs, rng, world) for world in some]


def _run_world(runs: int, rng: np.random.Generator, world: World) -> Row:
    found: list[Contrast] = []
    raw: list[float] = []
    for run in range(runs):
        shown, converted = simulate_history(rng, world, run)
        found.append(read_contrast(fit_posterior(build_cells(shown, converted))))
        rate = converted.sum(axis=0) / shown.sum(axis=0)
        odds = np.log(rate / (1 - rate))
        raw.append(float(odds[1] - odds[0]))
    bias = np.array([each.bias_percent(world.effect) for each in found])
    return Row(
        world,
        report.compute_share([each.holds(world.effect) for each in found]),
        float(bias.mean()),
        float(bias.std(ddof=1) / np.sqrt(runs)),
        report.compute_share([each.mean > NORMAL_97_5 * each.sd for each in found]),
        float(np.mean(100 * (np.exp(np.array(raw) - world.effect) - 1))),
        report.compute_share([each > 0 for each in raw]),
    )


def simulate_history(
    rng: np.random.Generator, world: World, seed: int
) -> tuple[Floats, Floats]:
    """Users and conversions [strata, 2] of one history."""
    odds = world.rates / (1 - world.rates)
    odds = odds[:, None] * np.exp([0.0, world.effect])
    shown, converted = np.zeros((2, world.strata, 2))
    share = world.share(0) if world.rule is None else 0.5
    for stratum in range(world.strata):
        second = rng.binomial(world.users, share)
        shown[stratum] = world.users - second, second
        chance = odds[stratum] / (1 + odds[stratum])
        converted[stratum] = rng.binomial(shown[stratum].astype(np.int64), chance)
        if world.rule is None:
            share = world.share(stratum + 1)
        else:
            so_far = slice(stratum + 1)
            posterior = fit_posterior(build_cells(shown[so_far], converted[so_far]))
            share = compute_shares(posterior, world.rule, seed)[1]
    return shown, converted


def main() -> None:
    options = report.parse_arguments(runs=30)
    seed, by_the_hour = options.seed, [w for w in WORLDS if w.rule is None]
    learnt = [w for w in WORLDS if w.rule is not None]
    rows = run_study(CHEAPER * options.runs, seed, by_the_hour)
    rows += run_study(options.runs, seed, learnt)
    report.print_table(
        "T10  the base rate moves with the allocation: the second variant's contrast "
        "(percent); crowned: held for better",
        (
            *("base rate", "allocated by", "runs", "users", "true effect", "covered"),
            *("bias", "crowned", "bias of raw rates", "crowned by raw rates"),
        ),
        [
            (
                *(w.time, w.rule or "the hour", r.covered.runs),
                *(w.users, w.effect, r.covered),
                f"{r.bias:+.2f} ±{r.bias_error:.2f}",
                *(r.crowned, f"{r.raw_bias:+.1f}", r.raw_crowned),
            )
            for r in rows
            for w in (r.world,)
        ],
    )


if __name__ == "__main__":
    main()
