"""From counts to a posterior: Laplace's approximation, averaged over prior scales."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from models_app.bandit import (
    cells as counts,
    newton,
    scales,
    system as systems,
    threads,
)
from models_app.bandit.cells import TrainingCells
from models_app.bandit.design import Design, Floats
from models_app.bandit.newton import Mode, NotConverged, Solved, State
from models_app.bandit.posterior import Posterior
from models_app.bandit.scales import Group
from models_app.bandit.system import System

__all__ = ["Fit", "FitInfo", "NotConverged", "fit"]

SCALE_ITERATIONS = 80
SCALE_TOLERANCE, CALM = 0.01, 1e-3
HEAVIEST = 2.0
"""Log of the most that a cubature point may outweigh its normal share."""


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

    """

    converged: bool
    iterations: int
    prior_scales: dict[str, float]
    log_evidence: float
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """A posterior, and apart from it how it was found."""

    posterior: Posterior
    info: FitInfo


def fit(design: Design, cells: TrainingCells, *, seed: int = 0) -> Fit:
    """Fit the Bayesian logistic regression of docs/model.md to counts.

    Deterministic: `seed` is part of the signature for learners that draw; this one
    does not. Raises ValueError naming the field for cells that do not fit the design,
    and NotConverged.
    """
    del seed
    counts.check(cells, design)
    system = systems.arrange(design, cells)
    with threads.single():
        return _search(design, system)


def _search(design: Design, system: System) -> Fit:
    """Climb in coefficients and scales at once, then in coefficients alone."""
    grouped = scales.groups(design, system)
    state = newton.begin(system, grouped)
    steps, calm, damping, before = 0, False, 1.0, np.zeros(len(state.logs))
    while not calm and steps < SCALE_ITERATIONS:
        steps += 1
        curved = systems.curvature(system, newton.eta(system, state))
        solved = newton.solve(grouped, curved, state)
        moved = newton.move(system, grouped, state, solved)
        change = scales.step(grouped, state.logs, newton.moments(state, solved))
        if change @ before < 0:  # scales and mode chase each other: shorter steps
            damping = damping / 2.0
        before = change
        state = State(moved.theta, moved.own, state.logs + damping * change)
        small = np.abs(change).max() < SCALE_TOLERANCE
        calm = bool(small) and solved.decrement < CALM
    mode = newton.climb(system, grouped, state)
    return Fit(
        _average(design, system, grouped, mode),
        _info(design, system, grouped, mode, steps + mode.steps),
    )


def _average(
    design: Design,
    system: System,
    grouped: tuple[Group, ...],
    mode: Mode,
) -> Posterior:
    """Average the posterior over the scales, not only at their best values.

    At the best scales alone intervals are too short where the data say little about
    them. The cubature points of the scales' own normal approximation, weighted by
    their evidence, give normal posteriors; the answer has their joint mean and
    covariance (as INLA does: Rue, Martino and Chopin 2009). The likelihood's curvature
    is held at the mode.
    """
    state, solved = mode.state, mode.solved
    spread = scales.uncertainty(grouped, state.logs, newton.moments(state, solved))
    best, directions = _evidence(grouped, state, solved), spread.shape[1]
    size = 1 + design.columns
    total, first, second = 0.0, np.zeros(size), np.zeros((size, size))
    for signs in _corners(directions):
        state = replace(mode.state, logs=mode.state.logs + spread @ signs)
        solved = newton.solve(grouped, mode.curved, state)
        gain = _evidence(grouped, state, solved) - best + directions / 2.0
        weight = float(np.exp(min(gain, HEAVIEST)))
        mean, covariance = _read_off(design, system, state, solved)
        total += weight
        first += weight * mean
        second += weight * (covariance + np.outer(mean, mean))
    mean = np.asarray(first / total)
    return Posterior(design, mean, second / total - np.outer(mean, mean))


def _corners(directions: int) -> Floats:
    """Signs [points, directions] of cubature points, right to the third degree."""
    if directions == 0:
        return np.zeros((1, 0))
    order = 2 ** int(np.ceil(np.log2(directions)))
    half = linalg.hadamard(order)[:, :directions].astype(np.float64)
    return np.concatenate([half, -half])


def _evidence(grouped: tuple[Group, ...], state: State, solved: Solved) -> float:
    """Log posterior density of the scales, the likelihood's own height left out."""
    evidence = newton.volume(grouped, state, solved) + solved.decrement / 2.0
    evidence += scales.log_prior(grouped, state.logs)
    return evidence - newton.penalty(grouped, state)


def _read_off(
    design: Design, system: System, state: State, solved: Solved
) -> tuple[Floats, Floats]:
    """Mean and covariance of the level now and the design's coefficients."""
    current = _current(system)
    k, q = system.curve.shape[1], design.columns
    slope = -(current @ solved.ratio)
    slope[:k] += current @ system.curve
    covariance = solved.covariance()
    joint = np.empty((1 + q, 1 + q))
    joint[1:, 1:] = covariance[k : k + q, k : k + q]
    with_level = covariance @ slope
    joint[0, 1:] = joint[1:, 0] = with_level[k : k + q]
    joint[0, 0] = slope @ with_level + current**2 @ (1.0 / solved.diagonal)
    theta, own = state.theta + solved.step, state.own + solved.step_own
    level = current @ (system.curve @ theta[:k] + own)
    mean = np.concatenate([[level], theta[k : k + q]])
    return mean, joint


def _current(system: System) -> Floats:
    """Weights [T] of the strata that make the current time level: the last day's."""
    recent = system.time > system.time[-1] - 1.0
    users = counts.summed(system.stratum, system.users, len(recent)) * recent
    if users.sum() <= 0:
        users = recent.astype(np.float64)
    return np.asarray(users / users.sum())


def _info(
    design: Design,
    system: System,
    grouped: tuple[Group, ...],
    mode: Mode,
    iterations: int,
) -> FitInfo:
    names = [group.name for group in grouped] + ["time, each stratum"]
    sds = np.exp(mode.state.logs / 2.0)
    evidence = newton.objective(system, grouped, mode.state)
    return FitInfo(
        converged=True,
        iterations=iterations,
        prior_scales=dict(zip(names, sds.tolist(), strict=True)),
        log_evidence=evidence + newton.volume(grouped, mode.state, mode.solved),
        left_out=design.left_out,
    )
