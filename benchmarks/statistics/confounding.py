"""T10: bias of the contrast when the base rate and the allocation move together."""

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

# How many times as many runs where the product does not learn after each stratum.
CHEAP_RUNS_FACTOR = 10


@dataclass(frozen=True, slots=True)
class World:
    """How the base rate moves, who allocates, users a stratum, and the true contrast.

    `rule`: by which the product allocates after each stratum. None: the share of the
    second variant moves with the base rate, as harmfully as possible. `effect`: the
    second variant's, in log odds.
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
        """Base rate [strata]: it falls by four fifths, or moves by half each day."""
        strata = np.arange(self.strata)
        if self.time == "falling":
            return np.asarray(RATE * np.exp(-0.08 * strata))
        return np.asarray(RATE * (1 + 0.5 * np.sin(strata * np.pi / 12)))

    def share(self, stratum: int) -> float:
        """Return the second variant's share without a rule: small later, or by the hour."""
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
    """Coverage and bias of the contrast, and how often the second variant seems better.

    `bias` is in percent of the odds. `called_better`: the interval lies above 0. `raw_*`:
    the same from the rates over all time, as a dashboard shows them.
    """

    world: World
    covered: report.Share
    bias: float
    bias_error: float
    called_better: report.Share
    raw_bias: float
    raw_called_better: report.Share


def run_study(runs: int, seed: int, grid: Sequence[World] = WORLDS) -> list[Row]:
    """Learn every world `runs` times."""
    rng = np.random.default_rng(seed)
    return [_run_world(runs, rng, world) for world in grid]


def _run_world(runs: int, rng: np.random.Generator, world: World) -> Row:
    contrasts: list[Contrast] = []
    raw_contrasts: list[float] = []
    for run in range(runs):
        shown, converted = simulate_history(rng, world, run)
        contrasts.append(read_contrast(fit_posterior(build_cells(shown, converted))))
        rate = converted.sum(axis=0) / shown.sum(axis=0)
        log_odds = np.log(rate / (1 - rate))
        raw_contrasts.append(float(log_odds[1] - log_odds[0]))
    bias = np.array([contrast.bias_percent(world.effect) for contrast in contrasts])
    is_better = [contrast.mean > NORMAL_97_5 * contrast.sd for contrast in contrasts]
    return Row(
        world,
        report.compute_share([contrast.holds(world.effect) for contrast in contrasts]),
        float(bias.mean()),
        float(bias.std(ddof=1) / np.sqrt(runs)),
        report.compute_share(is_better),
        float(np.mean(100 * (np.exp(np.array(raw_contrasts) - world.effect) - 1))),
        report.compute_share([contrast > 0 for contrast in raw_contrasts]),
    )


def simulate_history(
    rng: np.random.Generator, world: World, seed: int
) -> tuple[Floats, Floats]:
    """Return users and conversions [strata, 2] of one history."""
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
            past = slice(stratum + 1)
            posterior = fit_posterior(build_cells(shown[past], converted[past]))
            share = compute_shares(posterior, world.rule, seed)[1]
    return shown, converted


def main() -> None:
    options = report.parse_arguments(runs=30)
    set_worlds = [world for world in WORLDS if world.rule is None]
    learned_worlds = [world for world in WORLDS if world.rule is not None]
    rows = run_study(CHEAP_RUNS_FACTOR * options.runs, options.seed, set_worlds)
    rows += run_study(options.runs, options.seed, learned_worlds)
    report.print_table(
        "T10  the base rate moves with the allocation: the second variant's contrast "
        "(percent); better: its interval lies above 0",
        (
            *("base rate", "allocated by", "runs", "users", "true effect", "covered"),
            *("bias", "better", "bias of raw rates", "better by raw rates"),
        ),
        [
            (
                *(w.time, w.rule or "the hour", r.covered.runs),
                *(w.users, w.effect, r.covered),
                f"{r.bias:+.2f} ±{r.bias_error:.2f}",
                *(r.called_better, f"{r.raw_bias:+.1f}", r.raw_called_better),
            )
            for r in rows
            for w in (r.world,)
        ],
    )


if __name__ == "__main__":
    main()
