"""Changes of the world: which effect changed, and since when."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from models_app.bandit.design import level_contrasts
from models_app.bandit.design.design import Design, Floats, Integers
from models_app.bandit.regression import newton, score_test
from models_app.bandit.regression.likelihood import RegressionSystem, compute_slopes
from models_app.bandit.regression.newton import Mode
from models_app.bandit.regression.score_test import ScoreTestResults

# Prior sd of the size of a change, in log odds.
PRIOR_SD = 0.3

# Prior probability that an effect ever changed, and limit of its sum over effects.
PRIOR_PROBABILITY, MAX_PROBABILITY = 0.02, 0.5

# Log Bayes factor, averaged over all tested changes, from which a change is certain.
#
# At even prior odds it means 95% certainty. If the tested strata were always the
# same, a world without changes would exceed it with a probability of at most exp(-3),
# one in 20, however often one looks (Ville's inequality). They move along with time;
# in simulation none of 45 worlds exceeded it in 25 looks. An effect that differs by
# weekday counts as repeated changes and is reported as such.
MIN_LOG_BAYES_FACTOR = 3.0

MAX_CHANGES = 4
# Limits of the changes in the model, and of those suspected (or strata) per search.
SHORTLIST_SIZE = 32


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """An effect that changed along a direction [q] from stratum `start` on."""

    name: str
    direction: Floats
    start: int


@dataclass(frozen=True, slots=True)
class SuspectedChanges:
    """The m changes with the most evidence.

    Attributes
    ----------
    changes, scores: the m changes and their tests.
    features: [U, m] of the system's distinct rows along the changes.
    start_strata: all tested starts, in order.
    stratum_count: number of the system's strata.
    tested_count: number of tested changes, all equally likely beforehand.

    """

    changes: tuple[ChangePoint, ...]
    scores: ScoreTestResults
    features: Floats
    start_strata: Integers
    stratum_count: int
    tested_count: int

    @property
    def is_certain(self) -> bool:
        """Whether the evidence that anything changed is strong enough."""
        total = special.logsumexp(self.scores.log_bayes_factor)
        return bool(total - np.log(self.tested_count) >= MIN_LOG_BAYES_FACTOR)

    @property
    def probabilities(self) -> Floats:
        """Posterior probabilities [m] of the changes; the rest is that of no change.

        A change may have happened at any stratum with equal prior probability. Changes
        that were tested but are not suspects get none: the counts say nothing about
        them, or speak against them.
        """
        gaps = np.append(self.start_strata[1:], self.stratum_count) - self.start_strata
        effects = self.tested_count / len(self.start_strata)
        probability = min(PRIOR_PROBABILITY, MAX_PROBABILITY / effects)
        starts = [change.start for change in self.changes]
        start_indices = np.searchsorted(self.start_strata, starts)
        prior = probability * gaps[start_indices] / gaps.sum()
        log_weights = np.log(prior) + self.scores.log_bayes_factor
        no_change = np.log1p(-prior.sum())
        total = np.logaddexp(no_change, special.logsumexp(log_weights))
        return np.asarray(np.exp(log_weights - total))


def describe_change(change: ChangePoint, system: RegressionSystem) -> str:
    """Return a note for users; days count from the first day of the data."""
    day = int(system.stratum_time[change.start]) + 1
    return f"the effect of {change.name} changed: re-estimated from day {day} on"


def add_changes(
    system: RegressionSystem, design: Design, changes: tuple[ChangePoint, ...]
) -> RegressionSystem:
    """Return the system with a coefficient for each change, from its start on."""
    starts = np.array(sorted({change.start for change in changes}))
    era = np.searchsorted(starts, np.arange(len(system.curve)), side="right")
    keys = np.stack([system.row, era[system.stratum]], axis=1)
    distinct, row = np.unique(keys, axis=0, return_inverse=True)
    rows = system.rows[distinct[:, 0]]
    directions = np.array([change.direction for change in changes])
    columns = rows[:, : design.columns] @ directions.T
    era_before = np.array([starts.searchsorted(change.start) for change in changes])
    columns = columns * (distinct[:, 1:] > era_before)
    return replace(
        system,
        rows=np.concatenate([rows, columns], axis=1),
        row=row.ravel(),
        change_directions=directions,
        crossing=system.crossing and system.crossing.select_rows(distinct[:, 0]),
    )


def find_suspected_changes(
    design: Design, system: RegressionSystem, mode: Mode
) -> SuspectedChanges | None:
    """Return the changes with the most evidence; None if nothing can change.

    Each effect may have changed by a normal amount from each of some strata on, all
    equally likely beforehand. Only mature users count: among immature users, a variant
    that converts later looks like one that became worse.
    """
    names, directions, shares = level_contrasts.build_level_contrasts(design)
    strata = _choose_start_strata(len(system.curve))
    if not names or not len(strata) or not len(system.rows):
        return None
    slopes = _compute_mature_slopes(design, system, mode)
    rows = system.rows[:, : design.columns]
    promise = _rank_changes(system, slopes, rows, strata, (directions, shares))
    shortlist = np.argsort(-promise.ravel(), kind="stable")[:SHORTLIST_SIZE]
    start_indices, effect = np.divmod(shortlist, len(names))
    features = rows @ directions[effect].T
    scores = score_test.run_score_test(
        system, mode, slopes, features, strata[start_indices], PRIOR_SD
    )
    changes = tuple(
        ChangePoint(names[index], directions[index], start)
        for index, start in zip(effect, strata[start_indices].tolist(), strict=True)
    )
    return SuspectedChanges(
        changes, scores, features, strata, len(system.curve), promise.size
    )


def _rank_changes(
    system: RegressionSystem,
    slopes: tuple[Floats, Floats],
    rows: Floats,
    strata: Integers,
    contrasts: tuple[Floats, Floats],
) -> Floats:
    """Return a cheap score [strata, J] of a change of each effect from each stratum on.

    It is the gain of the score test if the model's other coefficients stayed where they
    are. `contrasts` are the effects' directions [J, q] and shares [J].
    """
    directions, shares = contrasts
    residual, weight = (
        score_test.sum_from_starts(system, strata, slope) for slope in slopes
    )
    score, moved = ((sums @ rows) @ directions.T for sums in (residual, weight))
    total = weight.sum(axis=1, keepdims=True)
    information = (1 - 2 * shares) * (moved + shares * total) + shares**2 * total
    return np.asarray(score**2 / (information + PRIOR_SD**-2))


def locate_likeliest_change(
    design: Design, system: RegressionSystem, mode: Mode, suspects: SuspectedChanges
) -> ChangePoint:
    """Return the change with the most evidence, its stratum located more precisely."""
    best = int(suspects.scores.log_bayes_factor.argmax())
    change = suspects.changes[best]
    nearby = _choose_nearby_strata(
        change.start, suspects.start_strata, len(system.curve)
    )
    features = np.repeat(suspects.features[:, [best]], len(nearby), axis=1)
    slopes = _compute_mature_slopes(design, system, mode)
    scores = score_test.run_score_test(system, mode, slopes, features, nearby, PRIOR_SD)
    return replace(change, start=int(nearby[scores.log_bayes_factor.argmax()]))


def _compute_mature_slopes(
    design: Design, system: RegressionSystem, mode: Mode
) -> tuple[Floats, Floats]:
    """Return the likelihood's slopes [n] at the mode, 0 for immature users."""
    q = design.columns
    delays = system.rows[:, q : q + system.delay_count]
    is_mature = (delays == 0).all(axis=1)[system.row]
    residual, weight = compute_slopes(
        system, newton.compute_point_predictor(system, mode.point)
    )
    return residual * is_mature, weight * is_mature


def _choose_start_strata(stratum_count: int) -> Integers:
    """Return the strata to test as starts: recent ones densely, old ones sparsely."""
    steps = range(2 * stratum_count.bit_length() + 2)
    distances = {round(2 ** (step / 2)) for step in steps}
    strata = sorted(stratum_count - back for back in distances if back < stratum_count)
    return np.array(strata, dtype=np.int64)


def _choose_nearby_strata(
    start: int, start_strata: Integers, stratum_count: int
) -> Integers:
    """Return the strata between a start's neighbors, at most SHORTLIST_SIZE of them."""
    index = int(np.searchsorted(start_strata, start))
    edges = np.concatenate([[0], start_strata, [stratum_count]])
    low, high = min(edges[index] + 1, start), max(edges[index + 2] - 1, start)
    count = min(high - low + 1, SHORTLIST_SIZE)
    return np.unique(np.linspace(low, high, count).round().astype(np.int64))
