"""A world that changed: which effect moved, and since when."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from models_app.bandit.design import level_contrasts
from models_app.bandit.design.design import Design, Floats, Integers
from models_app.bandit.regression import newton, score_test
from models_app.bandit.regression.likelihood import RegressionSystem, compute_slopes
from models_app.bandit.regression.newton import Mode
from models_app.bandit.regression.score_test import ScoreTestResults

PRIOR_SD = 0.3
"""Prior sd of a change that is looked for, in log odds."""

PRIOR_CHANCE, MAX_CHANCE = 0.02, 0.5
"""Prior chance that an effect changed at some time, and that any of them did."""

MIN_LOG_BAYES_FACTOR = 3.0
"""Log Bayes factor, averaged over all that is looked for, from which a change counts.

At even odds beforehand it is then certain to 95%. Were the strata since which one looks
always the same, a world without changes would pass it with a chance of at most exp(-3),
one in 20, however often one looks (Ville's inequality). They move along with time; in
simulation none of 45 worlds did in 25 looks. An effect that differs by weekday is a
change again and again, and is told as one.
"""

MAX_CHANGES = 4
SHORTLIST_SIZE = 32


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """An effect that moved: along which coefficients [q], since which stratum."""

    name: str
    direction: Floats
    start: int


@dataclass(frozen=True, slots=True)
class SuspectedChanges:
    """The m changes that the counts speak for most, of `tested` alike beforehand.

    `features` [U, m] are those of the system's distinct rows, `strata` all the starts
    that were looked at, among `total` strata.
    """

    changes: tuple[ChangePoint, ...]
    scores: ScoreTestResults
    features: Floats
    strata: Integers
    total: int
    tested: int

    @property
    def is_certain(self) -> bool:
        """Whether there is evidence enough of some change or other."""
        average = special.logsumexp(self.scores.evidence) - np.log(self.tested)
        return bool(average >= MIN_LOG_BAYES_FACTOR)

    @property
    def chances(self) -> Floats:
        """Posterior chances [m] of each; what is left is that of no change.

        Beforehand a change may have come at any stratum alike. Those that were tested
        and are no suspects count as none: the counts say nothing of them, or speak
        against them.
        """
        after = np.append(self.strata[1:], self.total) - self.strata
        effects = self.tested / len(self.strata)
        chance = min(PRIOR_CHANCE, MAX_CHANCE / effects)
        starts = [change.start for change in self.changes]
        at = np.searchsorted(self.strata, starts)
        prior = chance * after[at] / after.sum()
        odds = np.log(prior) + self.scores.evidence
        none = np.log1p(-prior.sum())
        return np.asarray(np.exp(odds - np.logaddexp(none, special.logsumexp(odds))))


def describe_change(change: ChangePoint, system: RegressionSystem) -> str:
    """Tell people what was found."""
    day = int(system.time[change.start]) + 1
    return f"the effect of {change.name} changed: learnt anew from day {day} on"


def add_changes(
    system: RegressionSystem, design: Design, found: tuple[ChangePoint, ...]
) -> RegressionSystem:
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
    crossing = system.crossing and system.crossing.select_rows(distinct[:, 0])
    return replace(
        system, rows=rows, row=row.ravel(), changed=directions, crossing=crossing
    )


def find_suspected_changes(
    design: Design, system: RegressionSystem, mode: Mode
) -> SuspectedChanges | None:
    """Return the changes that the counts speak for most; None where nothing can change.

    Each effect may have moved by a normal amount since each of some strata, all alike
    beforehand. Only mature users testify: a variant that converts later looks worse of
    late.
    """
    names, directions, shares = level_contrasts.build_level_contrasts(design)
    strata = _choose_start_strata(len(system.curve))
    if not names or not len(strata) or not len(system.rows):
        return None
    slopes = _compute_mature_slopes(design, system, mode)
    rows = system.rows[:, : design.columns]
    residual, weight = (
        score_test.sum_from_starts(system, strata, each) for each in slopes
    )
    pull, moved = ((each @ rows) @ directions.T for each in (residual, weight))
    whole = weight.sum(axis=1, keepdims=True)
    power = (1 - 2 * shares) * (moved + shares * whole) + shares**2 * whole
    lift = pull**2 / (power + PRIOR_SD**-2)
    order = np.argsort(-lift.ravel(), kind="stable")[:SHORTLIST_SIZE]
    at, effect = np.divmod(order, len(names))
    features = rows @ directions[effect].T
    scores = score_test.run_score_test(
        system, mode, slopes, features, strata[at], PRIOR_SD
    )
    changes = tuple(
        ChangePoint(names[which], directions[which], start)
        for which, start in zip(effect, strata[at].tolist(), strict=True)
    )
    return SuspectedChanges(
        changes, scores, features, strata, len(system.curve), lift.size
    )


def locate_likeliest_change(
    design: Design, system: RegressionSystem, mode: Mode, found: SuspectedChanges
) -> ChangePoint:
    """Return the change of most evidence, its stratum looked for more closely."""
    best = int(found.scores.evidence.argmax())
    change = found.changes[best]
    near = _choose_nearby_strata(change.start, found.strata, len(system.curve))
    features = np.repeat(found.features[:, [best]], len(near), axis=1)
    slopes = _compute_mature_slopes(design, system, mode)
    scores = score_test.run_score_test(system, mode, slopes, features, near, PRIOR_SD)
    return replace(change, start=int(near[scores.evidence.argmax()]))


def _compute_mature_slopes(
    design: Design, system: RegressionSystem, mode: Mode
) -> tuple[Floats, Floats]:
    """Slopes of the log likelihood [n] at the mode, of mature users alone."""
    late = system.rows[:, design.columns : design.columns + system.late]
    mature = (late == 0).all(axis=1)[system.row]
    residual, weight = compute_slopes(
        system, newton.compute_state_predictor(system, mode.state)
    )
    return residual * mature, weight * mature


def _choose_start_strata(strata: int) -> Integers:
    """Strata at which a change may have come: the recent ones densely, old ones not."""
    back = {round(2 ** (step / 2)) for step in range(2 * strata.bit_length() + 2)}
    return np.array(sorted(strata - b for b in back if b < strata), dtype=np.int64)


def _choose_nearby_strata(start: int, starts: Integers, strata: int) -> Integers:
    """Strata around one of the starts, up to its neighbours, SHORTLIST at most."""
    index = int(np.searchsorted(starts, start))
    edges = np.concatenate([[0], starts, [strata]])
    low, high = min(edges[index] + 1, start), max(edges[index + 2] - 1, start)
    count = min(high - low + 1, SHORTLIST_SIZE)
    return np.unique(np.linspace(low, high, count).round().astype(np.int64))
