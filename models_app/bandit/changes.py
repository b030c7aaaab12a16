"""A world that changed: which effect moved, and since when."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg, special

from models_app.bandit import levels, newton, system as systems
from models_app.bandit.cells import summed
from models_app.bandit.design import Design, Floats, Integers
from models_app.bandit.newton import Mode
from models_app.bandit.system import System

PRIOR_SD = 0.3
"""Prior sd of a change that is looked for, in log odds."""

EVIDENCE = 3.0
"""Log Bayes factor, averaged over all that is looked for, from which a change counts.

Were the strata since which one looks always the same, a world without changes would pass
it with a chance of at most exp(-3), one in 20, however often one looks (Ville's
inequality). They move along with time; in simulation none of 45 worlds did in 25 looks.
An effect that differs by weekday is a change again and again, and is told as one.
"""

MOST_CHANGES = 4
SHORTLIST = 32


@dataclass(frozen=True, slots=True)
class Change:
    """An effect that moved: along which coefficients [q], since which stratum."""

    name: str
    direction: Floats
    start: int


def note(change: Change, system: System) -> str:
    """Tell people what was found."""
    day = int(system.time[change.start]) + 1
    return f"the effect of {change.name} changed: learnt anew from day {day} on"


def extend(system: System, design: Design, found: tuple[Change, ...]) -> System:
    """Give each change a coefficient that counts from its start on."""
    starts = np.array(sorted({change.start for change in found}))
    era = np.searchsorted(starts, np.arange(len(system.curve)), side="right")
    keys = np.stack([system.row, era[system.stratum]], axis=1)
    distinct, row = np.unique(keys, axis=0, return_inverse=True)
    rows = system.rows[distinct[:, 0]]
    directions = np.array([change.direction for change in found])
    moved = rows[:, : design.columns] @ directions.T
    since = np.array([starts.searchsorted(change.start) for change in found])
    moved = moved * (distinct[:, 1:] > since)
    rows = np.concatenate([rows, moved], axis=1)
    return replace(system, rows=rows, row=row.ravel(), changed=directions)


def noticed(design: Design, system: System, mode: Mode) -> Change | None:
    """Return the change that the counts speak for most, if they do.

    A score test at the mode, as a Bayes factor: each effect may have moved by a normal
    amount since each of some strata, all alike beforehand, and what the model holds
    instead may move along (the efficient score; Rao 1948, Kass and Raftery 1995). Only
    mature users testify: a variant that converts later looks worse of late.
    """
    names, directions, shares = levels.effects(design)
    starts = _starts(len(system.curve))
    if not names or not len(starts) or not len(system.rows):
        return None
    slopes = _testimony(design, system, mode)
    rows = system.rows[:, : design.columns]
    residual, weight = (_since(system, starts, each) for each in slopes)
    score, moved = ((each @ rows) @ directions.T for each in (residual, weight))
    whole = weight.sum(axis=1, keepdims=True)
    power = (1 - 2 * shares) * (moved + shares * whole) + shares**2 * whole
    lift = score**2 / (power + PRIOR_SD**-2)
    order = np.argsort(-lift.ravel(), kind="stable")[:SHORTLIST]
    at, effect = np.divmod(order, len(names))
    features = rows @ directions[effect].T
    evidence = _evidence(system, mode, slopes, features, starts[at])
    if special.logsumexp(evidence) - np.log(lift.size) < EVIDENCE:
        return None
    best = int(evidence.argmax())
    near = _between(starts, int(at[best]), len(system.curve))
    same = np.repeat(features[:, [best]], len(near), axis=1)
    evidence = _evidence(system, mode, slopes, same, near)
    chosen, start = int(effect[best]), int(near[evidence.argmax()])
    return Change(names[chosen], directions[chosen], start)


def _testimony(design: Design, system: System, mode: Mode) -> tuple[Floats, Floats]:
    """Slopes of the log likelihood [n] at the mode, of mature users alone."""
    late = system.rows[:, design.columns : design.columns + system.late]
    mature = (late == 0).all(axis=1)[system.row]
    residual, weight = systems.slopes(system, newton.eta(system, mode.state))
    return residual * mature, weight * mature


def _starts(strata: int) -> Integers:
    """Strata at which a change may have come: the recent ones densely, old ones not."""
    back = {round(2 ** (step / 2)) for step in range(2 * strata.bit_length() + 2)}
    return np.array(sorted(strata - b for b in back if b < strata), dtype=np.int64)


def _between(starts: Integers, index: int, strata: int) -> Integers:
    """Return strata around starts[index], up to its neighbours, SHORTLIST at most."""
    edges = np.concatenate([[0], starts, [strata]])
    low, high = edges[index] + 1, edges[index + 2] - 1
    low, high = min(low, starts[index]), max(high, starts[index])
    count = min(high - low + 1, SHORTLIST)
    return np.unique(np.linspace(low, high, count).round().astype(np.int64))


def _since(system: System, starts: Integers, values: Floats) -> Floats:
    """Sums [starts, U] of values [n] by distinct row, from each start on."""
    distinct = len(system.rows)
    span = np.searchsorted(starts, system.stratum, side="right")
    table = summed(span * distinct + system.row, values, (len(starts) + 1) * distinct)
    spans = table.reshape(-1, distinct)
    return np.asarray(spans[::-1].cumsum(axis=0)[::-1][1:])


def _evidence(
    system: System,
    mode: Mode,
    slopes: tuple[Floats, Floats],
    features: Floats,
    starts: Integers,
) -> Floats:
    """Log Bayes factors [m] of changes with `features` [U, m] from `starts` [m] on."""
    strata, distinct = len(system.curve), len(system.rows)
    score, free = np.zeros((2, len(starts)))
    for index, first in enumerate(np.searchsorted(system.stratum, starts)):
        row = system.row[first:]
        residual, weight = (each[first:] for each in slopes)
        effect = features[row, index]
        moved = weight * effect
        own = summed(system.stratum[first:], moved, strata)
        by_row = summed(row, moved, distinct)
        shared = np.concatenate([system.curve.T @ own, system.rows.T @ by_row])
        shared -= mode.solved.ratio.T @ own
        held = shared @ linalg.cho_solve((mode.solved.factor, True), shared)
        held += own**2 @ (1.0 / mode.solved.diagonal)
        free[index] = max(float(moved @ effect) - held, 0.0)
        score[index] = residual @ effect
    surprise = score**2 / (free + PRIOR_SD**-2)
    return np.asarray(0.5 * (surprise - np.log1p(PRIOR_SD**2 * free)))
