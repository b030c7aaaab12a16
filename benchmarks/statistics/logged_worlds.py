"""Histories of logged decisions, adaptively allocated, whose truth under any target is known."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models_app.bandit.design.design import Floats
from models_app.bandit.off_policy.evaluate import LoggedCells

DAYS, VERSIONS_A_DAY = 14, 2
DRAWS = 200
TARGETS = ("baseline", "best", "worst", "early version", "without context")


@dataclass(frozen=True, slots=True)
class World:
    """``rate`` of the baseline, ``users`` a stratum; ``holdout`` halves mid-way."""

    kind: str = "bool"
    rate: float = 0.05
    users: int = 1_000
    variants: int = 4
    holdout: float = 0.1
    exploration: float = 0.02
    drift: str = "weekly"


@dataclass
class Run:
    """One simulated history: cells, the tables that served, and the truth."""

    logged: LoggedCells
    tables: list[Floats]
    blind: list[Floats]
    means: list[Floats]
    mix: Floats
    users: list[int] = field(default_factory=list)

    def truth(self, target: Callable[[int], Floats], since: int = 0) -> float:
        """Mean value over strata, weighted by their users, from version ``since`` on."""
        chosen = range(since, len(self.tables))
        values = [
            float(self.mix @ (target(k) * self.means[k]).sum(axis=1)) for k in chosen
        ]
        return float(np.average(values, weights=[self.users[k] for k in chosen]))


def build_grid() -> tuple[World, ...]:
    """Kinds of value, rates, sizes, holdouts, exploration, drift."""
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
    """Let a learner allocate by Thompson sampling, anew for every stratum."""
    contexts, variants = 3, world.variants
    mix = rng.dirichlet(np.full(contexts, 4.0))
    score = 0.25 * rng.standard_normal(variants) + 0.2 * rng.standard_normal(
        (contexts, variants)
    )
    level = rng.normal(0, 0.3, (contexts, 1))
    counts = np.zeros((2, contexts, variants))
    rows: list[Floats] = []
    run = Run(_build_logged_data(np.zeros((0, 10))), [], [], [], mix)
    for number in range(DAYS * VERSIONS_A_DAY):
        day = number // VERSIONS_A_DAY
        table, blind = _compute_thompson_shares(rng, counts, mix, world)
        mean = np.clip(
            world.rate * np.exp(score + level + _compute_drift(world.drift, day)),
            0,
            0.95,
        )
        users = int(rng.poisson(world.users))
        held = world.holdout * (0.5 if day >= DAYS // 2 else 1.0)
        kept = rng.binomial(came := rng.multinomial(users, mix), held)
        found = _simulate_stratum(rng, world.kind, (came - kept, kept), table, mean)
        for holdout, cells in enumerate(found):
            keys = np.indices((contexts, variants)).reshape(2, -1)
            head = np.tile(
                [float(day >= DAYS // 2), day, number, holdout], (keys.shape[1], 1)
            )
            rows.append(
                np.column_stack(
                    [head, keys[1], keys[0], *(c.reshape(-1) for c in cells)]
                )
            )
        counts += [found[0][0] + found[1][0], found[0][1] + found[1][1]]
        run.tables.append(table)
        run.blind.append(blind)
        run.means.append(mean * (AMOUNT if world.kind == "numeric" else 1.0))
        run.users.append(users)
    every = np.concatenate(rows)
    run.logged = _build_logged_data(every[every[:, 6] > 0])
    return run


LOG_SD = 1.0
AMOUNT = float(np.exp(LOG_SD**2 / 2))


def _simulate_stratum(
    rng: np.random.Generator,
    kind: str,
    came: tuple[Any, Any],
    table: Floats,
    mean: Floats,
) -> list[list[Floats]]:
    """Users, converted, sums and squares [S, V] of the optimized arm and the holdout."""
    rows = zip(came[0], table, strict=True)
    shown = [np.stack([rng.multinomial(n, row) for n, row in rows])]
    shown.append(np.zeros_like(shown[0]))
    shown[1][:, 0] = came[1]
    return [_simulate_outcomes(rng, kind, each, mean) for each in shown]


def _simulate_outcomes(
    rng: np.random.Generator, kind: str, shown: Any, mean: Floats
) -> list[Floats]:
    paid = rng.binomial(shown, mean)
    if kind == "bool":
        return [x.astype(float) for x in (shown, paid, paid, paid)]
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
    """Thompson's shares by conversions so far: with context, and without."""
    share = world.exploration / world.variants
    tables = []
    for users, paid in (counts, counts.sum(axis=1, keepdims=True)):
        drawn = rng.beta(1 + paid, 20 + users - paid, (DRAWS, *np.shape(users))).argmax(
            axis=2
        )
        best = np.stack(
            [np.bincount(row, minlength=world.variants) / DRAWS for row in drawn.T]
        )
        tables.append((1 - world.exploration) * best + share)
    return tables[0], np.tile(tables[1], (len(mix), 1))


def _compute_drift(drift: str, day: int) -> float:
    if drift == "weekly":
        return 0.3 * float(np.sin(2 * np.pi * day / 7))
    if drift == "step":
        return 0.4 * float(day >= DAYS // 2)
    return 0.0


def _build_logged_data(rows: Floats) -> LoggedCells:
    whole = rows[:, [0, 1, 2, 4, 5]].astype(np.int64).T
    return LoggedCells(
        regime=whole[0],
        day=whole[1],
        version=whole[2],
        holdout=rows[:, 3] > 0,
        variant=whole[3],
        context=whole[4],
        users=rows[:, 6],
        converted=rows[:, 7],
        value_sum=rows[:, 8],
        value_sum_squares=rows[:, 9],
    )


def load_target(run: Run, name: str) -> tuple[Callable[[int], Floats], int]:
    """The target's table under each version, and the first version it is judged from."""
    shape = run.tables[0].shape
    if name == "early version":
        since = len(run.tables) // 4
        return (lambda _version: run.tables[since]), since
    if name == "without context":
        return run.blind.__getitem__, 0
    overall = run.mix @ np.sum(run.means, axis=0)
    variant = {"baseline": 0, "best": overall.argmax(), "worst": overall.argmin()}[name]
    fixed = np.tile(np.eye(shape[1])[variant], (shape[0], 1))
    return (lambda _version: fixed), 0
