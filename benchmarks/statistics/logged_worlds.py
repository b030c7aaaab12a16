"""Simulated logs of adaptively allocated decisions, with the true value of any policy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models_app.bandit.design.design import Floats
from models_app.bandit.off_policy.evaluate import LoggedCells

DAYS, VERSIONS_A_DAY = 14, 2
DRAWS = 200
LOG_SD = 1.0  # of log-normal amounts
MEAN_AMOUNT = float(np.exp(LOG_SD**2 / 2))
TARGETS = ("baseline", "best", "worst", "early version", "without context")


@dataclass(frozen=True, slots=True)
class World:
    """``rate`` of the baseline, ``users`` a stratum; ``holdout`` is halved half-way."""

    kind: str = "bool"
    rate: float = 0.05
    users: int = 1_000
    variants: int = 4
    holdout: float = 0.1
    exploration: float = 0.02
    drift: str = "weekly"


@dataclass
class Run:
    """One simulated history: cells, the policy tables that served, and the truth.

    Lists have one item a policy version: ``tables`` [S, V], ``context_free`` the tables of
    a learner without context, ``means`` the true mean values [S, V], and ``users``. ``mix``
    [S] is the share of each context.
    """

    logged: LoggedCells
    tables: list[Floats]
    context_free: list[Floats]
    means: list[Floats]
    mix: Floats
    users: list[int] = field(default_factory=list)

    def truth(self, target: Callable[[int], Floats], since: int = 0) -> float:
        """Return a policy's mean value over the users of versions from ``since`` on."""
        versions = range(since, len(self.tables))
        values = [
            float(self.mix @ (target(version) * self.means[version]).sum(axis=1))
            for version in versions
        ]
        return float(np.average(values, weights=self.users[since:]))


def build_grid() -> tuple[World, ...]:
    """Return worlds that differ in kind, rate, size, holdout, exploration and drift."""
    return (
        World(),
        World(drift="none"),
        World(drift="step", holdout=0.5),
        World(rate=0.01, users=4_000),
        World(rate=0.4, users=300),
        World(holdout=0.0, exploration=0.05),
        World(users=4_000, variants=12),
        World(users=150, variants=2),
        World(kind="numeric"),
        World(kind="numeric", users=4_000, variants=8),
    )


def simulate_run(rng: np.random.Generator, world: World) -> Run:
    """Simulate a history; a Thompson sampler makes a new policy for every stratum."""
    contexts, variants = 3, world.variants
    mix = rng.dirichlet(np.full(contexts, 4.0))
    effects = 0.25 * rng.standard_normal(variants) + 0.2 * rng.standard_normal(
        (contexts, variants)
    )
    context_effects = rng.normal(0, 0.3, (contexts, 1))
    counts = np.zeros((2, contexts, variants))
    rows: list[Floats] = []
    run = Run(_build_logged_data(np.zeros((0, 10))), [], [], [], mix)
    for number in range(DAYS * VERSIONS_A_DAY):
        day = number // VERSIONS_A_DAY
        table, context_free = _compute_thompson_shares(rng, counts, mix, world)
        log_ratio = effects + context_effects + _compute_drift(world.drift, day)
        mean = np.clip(world.rate * np.exp(log_ratio), 0, 0.95)
        users = int(rng.poisson(world.users))
        is_second_half = day >= DAYS // 2
        arrivals = rng.multinomial(users, mix)
        holdout_share = world.holdout * (0.5 if is_second_half else 1.0)
        in_holdout = rng.binomial(arrivals, holdout_share)
        arms = _simulate_stratum(
            rng, world.kind, (arrivals - in_holdout, in_holdout), table, mean
        )
        rows += _build_rows(arms, float(is_second_half), day, number)
        counts += [arms[0][0] + arms[1][0], arms[0][1] + arms[1][1]]
        run.tables.append(table)
        run.context_free.append(context_free)
        run.means.append(mean * (MEAN_AMOUNT if world.kind == "numeric" else 1.0))
        run.users.append(users)
    cells = np.concatenate(rows)
    run.logged = _build_logged_data(cells[cells[:, 6] > 0])
    return run


def _build_rows(
    arms: list[list[Floats]], regime: float, day: int, version: int
) -> Iterator[Floats]:
    """Yield the rows of the optimized arm and of the holdout for `_build_logged_data`."""
    for is_holdout, sums in enumerate(arms):
        context, variant = np.indices(sums[0].shape).reshape(2, -1)
        head = np.tile([regime, day, version, is_holdout], (len(context), 1))
        values = (array.reshape(-1) for array in sums)
        yield np.column_stack([head, variant, context, *values])


def _simulate_stratum(
    rng: np.random.Generator,
    kind: str,
    users_by_arm: tuple[Any, Any],
    table: Floats,
    mean: Floats,
) -> list[list[Floats]]:
    """Return users, converted, sums and squares [S, V] of the optimized arm and holdout."""
    rows = zip(users_by_arm[0], table, strict=True)
    optimized = np.stack([rng.multinomial(users, row) for users, row in rows])
    holdout = np.zeros_like(optimized)
    holdout[:, 0] = users_by_arm[1]
    return [
        _simulate_outcomes(rng, kind, shown, mean) for shown in (optimized, holdout)
    ]


def _simulate_outcomes(
    rng: np.random.Generator, kind: str, shown: Any, mean: Floats
) -> list[Floats]:
    paid = rng.binomial(shown, mean)
    if kind == "bool":
        return [array.astype(float) for array in (shown, paid, paid, paid)]
    amounts = rng.lognormal(0, LOG_SD, int(paid.sum()))
    cell = np.repeat(np.arange(paid.size), paid.reshape(-1))
    sums = [
        np.bincount(cell, amounts**power, paid.size).reshape(paid.shape)
        for power in (1, 2)
    ]
    return [shown.astype(float), paid.astype(float), *sums]


def _compute_thompson_shares(
    rng: np.random.Generator, counts: Floats, mix: Floats, world: World
) -> tuple[Floats, Floats]:
    """Return Thompson sampling's shares with context, and without."""
    min_share = world.exploration / world.variants
    tables = []
    for users, paid in (counts, counts.sum(axis=1, keepdims=True)):
        draws = rng.beta(1 + paid, 20 + users - paid, (DRAWS, *np.shape(users)))
        winners = draws.argmax(axis=2)
        prob_best = np.stack(
            [np.bincount(row, minlength=world.variants) / DRAWS for row in winners.T]
        )
        tables.append((1 - world.exploration) * prob_best + min_share)
    return tables[0], np.tile(tables[1], (len(mix), 1))


def _compute_drift(drift: str, day: int) -> float:
    if drift == "weekly":
        return 0.3 * float(np.sin(2 * np.pi * day / 7))
    if drift == "step":
        return 0.4 * float(day >= DAYS // 2)
    return 0.0


def _build_logged_data(rows: Floats) -> LoggedCells:
    regime, day, version, variant, context = rows[:, [0, 1, 2, 4, 5]].astype(np.int64).T
    return LoggedCells(
        regime=regime,
        day=day,
        version=version,
        holdout=rows[:, 3] > 0,
        variant=variant,
        context=context,
        users=rows[:, 6],
        converted=rows[:, 7],
        value_sum=rows[:, 8],
        value_sum_squares=rows[:, 9],
    )


def load_target(run: Run, name: str) -> tuple[Callable[[int], Floats], int]:
    """Return a target policy's table by version, and the first version to evaluate."""
    shape = run.tables[0].shape
    if name == "early version":
        since = len(run.tables) // 4
        return (lambda _version: run.tables[since]), since
    if name == "without context":
        return run.context_free.__getitem__, 0
    overall = run.mix @ np.sum(run.means, axis=0)
    variant = {"baseline": 0, "best": overall.argmax(), "worst": overall.argmin()}[name]
    fixed = np.tile(np.eye(shape[1])[variant], (shape[0], 1))
    return (lambda _version: fixed), 0
