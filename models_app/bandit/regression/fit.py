"""The fit: Laplace's approximation of the posterior, averaged over prior scales."""

from dataclasses import dataclass, replace

import numpy as np

from models_app.bandit.data.cells import TrainingCells, validate_cells
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.regression import (
    blas_threads,
    change_averaging,
    change_points,
    newton,
    prior_averaging,
    prior_scales,
)
from models_app.bandit.regression.change_points import ChangePoint, SuspectedChanges
from models_app.bandit.regression.likelihood import (
    Noise,
    RegressionSystem,
    arrange_cells,
    compute_derivatives,
    compute_predictor,
)
from models_app.bandit.regression.newton import Mode, NotConvergedError, SearchPoint
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.regression.prior_scales import PosteriorMoments, ScaleGroup

__all__ = [
    "FitInfo",
    "NotConvergedError",
    "PosteriorFit",
    "SystemFit",
    "fit_posterior",
    "fit_system",
]

MAX_SCALE_STEPS = 80
SCALE_TOLERANCE, DECREMENT_TOLERANCE = 0.01, 1e-3


@dataclass(frozen=True, slots=True)
class FitInfo:
    """How a fit went.

    Attributes
    ----------
    converged: always true if a posterior is returned.
    iterations: Newton steps taken.
    prior_scales: learned prior sd, in log odds, by group of coefficients.
    log_evidence: Laplace's log marginal likelihood of the counts without binomial
        coefficients; comparable between models of the same cells.
    left_out: interactions that the model is too large to include (Design.left_out).
    changes: effects found to have changed, each with the first stratum it affects.

    """

    converged: bool
    iterations: int
    prior_scales: dict[str, float]
    log_evidence: float
    left_out: tuple[str, ...]
    changes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PosteriorFit:
    """A posterior, and how it was found."""

    posterior: Posterior
    info: FitInfo


def fit_posterior(design: Design, cells: TrainingCells) -> PosteriorFit:
    """Fit the Bayesian logistic regression of docs/model.md to counts.

    The fit is deterministic. Raises ValueError, naming the field, for cells that do not
    fit the design, and NotConvergedError.
    """
    validate_cells(cells, design)
    return fit_system(design, arrange_cells(design, cells)).fit


@dataclass(frozen=True, slots=True)
class SystemFit:
    """A fit, its system, and the system's linear predictor [n] at the mode.

    `system` is the fitted one, with changes and the learned variance of its noise.
    `dof` are the degrees of freedom behind that variance: the number of responses minus
    the coefficients that they determine, plus the weight of the prior.
    """

    fit: PosteriorFit
    system: RegressionSystem
    predictor: Floats
    dof: float


def fit_system(design: Design, system: RegressionSystem) -> SystemFit:
    """Fit a system: the posterior at its best scales, averaged over them.

    If a change of the world is certain, the fit is repeated with it. Changes that are
    less certain are averaged over. Raises NotConvergedError.
    """
    with blas_threads.use_single_thread():
        search, changes, suspects = _fit_with_changes(design, system)
        system, mode = search.system, search.mode
        posterior = prior_averaging.average_over_scales(
            design, system, search.groups, mode
        )
        if suspects is not None:
            posterior = change_averaging.average_over_changes(
                posterior, system, suspects
            )
    notes = tuple(change_points.describe_change(change, system) for change in changes)
    posterior = replace(posterior, notes=notes)
    info = _build_info(design, search, changes)
    eta = newton.compute_point_predictor(system, mode.point)
    return SystemFit(PosteriorFit(posterior, info), system, eta, search.dof)


@dataclass(frozen=True, slots=True)
class _SearchResult:
    """The mode that a search found after `steps` Newton steps, and its system."""

    system: RegressionSystem
    groups: tuple[ScaleGroup, ...]
    mode: Mode
    steps: int
    dof: float


def _fit_with_changes(
    design: Design, system: RegressionSystem
) -> tuple[_SearchResult, tuple[ChangePoint, ...], SuspectedChanges | None]:
    """Find the mode, again with each certain change, and what is still suspected.

    There are no suspects if more changes are certain than the model may hold: at such a
    mode a normal approximation cannot tell their size.
    """
    changes: tuple[ChangePoint, ...] = ()
    search = _find_mode_and_scales(design, system)
    suspects = change_points.find_suspected_changes(design, search.system, search.mode)
    while (
        suspects is not None
        and suspects.is_certain
        and len(changes) < change_points.MAX_CHANGES
    ):
        change = change_points.locate_likeliest_change(
            design, search.system, search.mode, suspects
        )
        extended = (*changes, change)
        try:
            search = _find_mode_and_scales(
                design, change_points.add_changes(system, design, extended)
            )
        except NotConvergedError:  # keep the fit without this change
            break
        changes = extended
        suspects = change_points.find_suspected_changes(
            design, search.system, search.mode
        )
    if suspects is not None and suspects.is_certain:
        suspects = None
    return search, changes, suspects


def _find_mode_and_scales(design: Design, system: RegressionSystem) -> _SearchResult:
    """Climb in coefficients and scales together, then in coefficients alone."""
    dof = np.inf
    groups = prior_scales.group_coefficients(design, system)
    point = newton.choose_start_point(system, groups)
    steps, is_settled, damping = 0, False, 1.0
    previous_change = np.zeros(len(point.log_variances))
    derivatives = None
    while not is_settled and steps < MAX_SCALE_STEPS:
        steps += 1
        derivatives = compute_derivatives(
            system, newton.compute_point_predictor(system, point), derivatives
        )
        newton_step = newton.solve_step(groups, derivatives, point)
        moved = newton.take_step(system, groups, point, derivatives, newton_step)
        moments = newton.compute_moments(point, newton_step)
        change = prior_scales.compute_newton_step(groups, point.log_variances, moments)
        if change @ previous_change < 0:  # scales and mode oscillate: shorten steps
            damping = damping / 2.0
        previous_change = change
        log_variances = point.log_variances + damping * change
        point = SearchPoint(moved.theta, moved.own, log_variances)
        is_small = np.abs(change).max() < SCALE_TOLERANCE
        is_settled = bool(is_small) and newton_step.decrement < DECREMENT_TOLERANCE
        if system.noise is not None and np.isfinite(system.noise.dof):
            noise, dof = _update_noise(system, groups, point, moments)
            ratio = noise.variance / system.noise.variance
            is_settled = is_settled and abs(ratio - 1.0) < SCALE_TOLERANCE
            system = replace(system, noise=noise)
    mode = newton.find_mode(system, groups, point, derivatives)
    return _SearchResult(system, groups, mode, steps + mode.steps, float(dof))


def _update_noise(
    system: RegressionSystem,
    groups: tuple[ScaleGroup, ...],
    point: SearchPoint,
    moments: PosteriorMoments,
) -> tuple[Noise, float]:
    """Return the noise of highest evidence at the current coefficients, and its dof.

    The variance is the sum of squared residuals over the number of responses minus the
    coefficients that they determine (MacKay 1992). The prior variance counts as
    `noise.dof` more responses.
    """
    noise = system.noise
    assert noise is not None  # the caller checks
    size = len(point.theta)
    precision = prior_scales.compute_precisions(groups, point.log_variances, size)
    determined = size - precision @ np.diag(moments.covariance)
    own_precision = np.exp(-point.log_variances[-1])
    determined += len(point.own) - own_precision * moments.own_variance.sum()
    mean = moments.mean + prior_scales.compute_prior_means(size)
    eta = compute_predictor(system, mean, moments.own_mean)
    squares = noise.squares + (system.users * eta - 2.0 * system.successes) @ eta
    dof = noise.dof + max(float(system.users.sum() - determined), 0.0)
    variance = (noise.dof * noise.prior + max(float(squares), 0.0)) / dof
    return replace(noise, variance=variance), dof


def _build_info(
    design: Design, search: _SearchResult, changes: tuple[ChangePoint, ...]
) -> FitInfo:
    system, groups, mode = search.system, search.groups, search.mode
    names = [*(group.name for group in groups), "time, each stratum"]
    scales = np.exp(mode.point.log_variances / 2.0)
    evidence = newton.compute_log_posterior(system, groups, mode.point)
    evidence += newton.compute_occam_factor(groups, mode.point, mode.newton_step)
    return FitInfo(
        converged=True,
        iterations=search.steps,
        prior_scales=dict(zip(names, scales.tolist(), strict=True)),
        log_evidence=evidence,
        left_out=design.left_out,
        changes=tuple((change.name, change.start) for change in changes),
    )
