"""From counts to a posterior: Laplace's approximation, averaged over prior scales."""

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

SCALE_ITERATIONS = 80
SCALE_TOLERANCE, DECREMENT_TOLERANCE = 0.01, 1e-3


@dataclass(frozen=True, slots=True)
class FitInfo:
    """How a fit went.

    Parameters
    ----------
    converged: always true where a posterior is returned.
    iterations: Newton steps taken.
    prior_scales: learnt prior sd in log odds by group of coefficients.
    log_evidence: Laplace's log marginal likelihood of the counts, binomial
        coefficients left out; comparable between models of the same cells.
    left_out: interactions too large to be estimated (design.LARGEST_MODEL).
    changes: effects that were found to have moved, and the first stratum after it.

    """

    converged: bool
    iterations: int
    prior_scales: dict[str, float]
    log_evidence: float
    left_out: tuple[str, ...]
    changes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PosteriorFit:
    """A posterior, and apart from it how it was found."""

    posterior: Posterior
    info: FitInfo


def fit_posterior(
    design: Design, cells: TrainingCells, *, seed: int = 0
) -> PosteriorFit:
    """Fit the Bayesian logistic regression of docs/model.md to counts.

    Deterministic: `seed` is part of the signature for learners that draw; this one
    does not. Raises ValueError naming the field for cells that do not fit the design,
    and NotConverged.
    """
    del seed
    validate_cells(cells, design)
    return fit_system(design, arrange_cells(design, cells)).fit


@dataclass(frozen=True, slots=True)
class SystemFit:
    """A fit, the cells it was found for and their predictor [n] at the mode.

    The system is the one given, with the variance of its noise learnt; `dof` is what
    that variance rests on: the responses, less the coefficients they determined.
    """

    fit: PosteriorFit
    system: RegressionSystem
    predictor: Floats
    dof: float


def fit_system(design: Design, system: RegressionSystem) -> SystemFit:
    """Fit a system: the posterior at its scales, averaged over them.

    Where the counts say that the world changed, the fit is repeated with the change;
    changes that are less certain are averaged over.
    """
    with blas_threads.use_single_thread():
        reached, known, suspects = _fit_with_changes(design, system)
        system, mode = reached.system, reached.mode
        posterior = prior_averaging.average_over_scales(
            design, system, reached.grouped, mode
        )
        if suspects is not None:
            posterior = change_averaging.average_over_changes(
                posterior, system, suspects
            )
    notes = tuple(change_points.describe_change(change, system) for change in known)
    posterior = replace(posterior, notes=notes)
    info = _build_info(design, reached, known)
    eta = newton.compute_state_predictor(system, mode.state)
    return SystemFit(PosteriorFit(posterior, info), system, eta, reached.dof)


@dataclass(frozen=True, slots=True)
class _SearchResult:
    """Where the search for the mode ended, after `steps` Newton steps."""

    system: RegressionSystem
    grouped: tuple[ScaleGroup, ...]
    mode: Mode
    steps: int
    dof: float


def _fit_with_changes(
    design: Design, system: RegressionSystem
) -> tuple[_SearchResult, tuple[ChangePoint, ...], SuspectedChanges | None]:
    """Climb, and again with every change that is certain; give what stays suspected.

    Nothing is, where there are more certain changes than the model may hold: at its
    mode their size is beyond what a normal approximation can tell.
    """
    known: tuple[ChangePoint, ...] = ()
    reached = _find_mode_and_scales(design, system)
    found = change_points.find_suspected_changes(design, reached.system, reached.mode)
    while (
        found is not None
        and found.is_certain
        and len(known) < change_points.MAX_CHANGES
    ):
        change = change_points.locate_likeliest_change(
            design, reached.system, reached.mode, found
        )
        longer = (*known, change)
        try:
            reached = _find_mode_and_scales(
                design, change_points.add_changes(system, design, longer)
            )
        except NotConvergedError:  # what was reached without it stands
            break
        known = longer
        found = change_points.find_suspected_changes(
            design, reached.system, reached.mode
        )
    doubtful = found is not None and not found.is_certain
    return reached, known, found if doubtful else None


def _find_mode_and_scales(design: Design, system: RegressionSystem) -> _SearchResult:
    """Climb in coefficients and scales at once, then in coefficients alone."""
    dof = np.inf
    grouped = prior_scales.group_coefficients(design, system)
    state = newton.choose_start_point(system, grouped)
    steps, calm, damping, before = 0, False, 1.0, np.zeros(len(state.logs))
    curved = None
    while not calm and steps < SCALE_ITERATIONS:
        steps += 1
        curved = compute_derivatives(
            system, newton.compute_state_predictor(system, state), curved
        )
        solved = newton.solve_step(grouped, curved, state)
        moved = newton.take_step(system, grouped, state, (curved, solved))
        moments = newton.compute_moments(state, solved)
        change = prior_scales.compute_newton_step(grouped, state.logs, moments)
        if change @ before < 0:  # scales and mode chase each other: shorter steps
            damping = damping / 2.0
        before = change
        state = SearchPoint(moved.theta, moved.own, state.logs + damping * change)
        small = np.abs(change).max() < SCALE_TOLERANCE
        calm = bool(small) and solved.decrement < DECREMENT_TOLERANCE
        if system.noise is not None and np.isfinite(system.noise.dof):
            noise, dof = _update_noise(system, grouped, state, moments)
            ratio = noise.variance / system.noise.variance
            calm = calm and abs(ratio - 1.0) < SCALE_TOLERANCE
            system = replace(system, noise=noise)
    mode = newton.find_mode(system, grouped, state, curved)
    return _SearchResult(system, grouped, mode, steps + mode.steps, float(dof))


def _update_noise(
    system: RegressionSystem,
    grouped: tuple[ScaleGroup, ...],
    state: SearchPoint,
    moments: PosteriorMoments,
) -> tuple[Noise, float]:
    """Noise of highest evidence at the present coefficients, and its dof.

    Residuals over the responses less the number of coefficients that they determine
    (MacKay 1992), the prior variance counting as `noise.dof` responses more.
    """
    noise = system.noise
    assert noise is not None  # the caller's branch
    precision = prior_scales.compute_precisions(grouped, state.logs, len(state.theta))
    free = len(state.theta) - precision @ np.diag(moments.covariance)
    free += len(state.own) - np.exp(-state.logs[-1]) * moments.own_variance.sum()
    mean = moments.mean + prior_scales.compute_prior_means(len(state.theta))
    eta = compute_predictor(system, mean, moments.own_mean)
    off = noise.squares + (system.users * eta - 2.0 * system.successes) @ eta
    dof = noise.dof + max(float(system.users.sum() - free), 0.0)
    variance = (noise.dof * noise.prior + max(float(off), 0.0)) / dof
    return replace(noise, variance=variance), dof


def _build_info(
    design: Design, reached: _SearchResult, known: tuple[ChangePoint, ...]
) -> FitInfo:
    system, grouped, mode = reached.system, reached.grouped, reached.mode
    names = [group.name for group in grouped] + ["time, each stratum"]
    sds = np.exp(mode.state.logs / 2.0)
    evidence = newton.compute_log_posterior(system, grouped, mode.state)
    return FitInfo(
        converged=True,
        iterations=reached.steps,
        prior_scales=dict(zip(names, sds.tolist(), strict=True)),
        log_evidence=evidence
        + newton.compute_occam_factor(grouped, mode.state, mode.solved),
        left_out=design.left_out,
        changes=tuple((change.name, change.start) for change in known),
    )
