"""What is true of the figures that a report gives, and whether its intervals hold it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.statistics.prior_worlds import FittedWorld
from models_app.bandit.design.design import Floats
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.report import posterior_draws
from models_app.bandit.report.coefficients import compute_coefficients
from models_app.bandit.report.posterior_draws import PosteriorEstimate

NORMAL_97_5 = 1.96


@dataclass(frozen=True, slots=True)
class Truth:
    """Conversion rates [S, V] on the last day, mix [S] of contexts of the users seen."""

    rates: Floats
    mix: Floats

    @property
    def overall(self) -> Floats:
        """True rate [V] over the mix."""
        return self.mix @ self.rates


def compute_truth(run: FittedWorld) -> Truth:
    """The truth of the very figures that the report gives."""
    last = len(run.world.levels) - 1
    mix = posterior_draws.compute_context_mix(run.world.design, run.cells)
    return Truth(run.world.rates(last), mix)


def check_means(run: FittedWorld) -> list[bool]:
    """Each variant's mean."""
    truth = compute_truth(run).overall
    told = [variant.expected_reward for variant in run.report.variants]
    return [_is_inside(each, value) for each, value in zip(told, truth, strict=True)]


def check_contrasts(run: FittedWorld) -> list[bool]:
    """Each variant against the baseline in each context seen, log odds."""
    return [abs(z) < NORMAL_97_5 for z in standardize_errors(run)]


def check_interactions(run: FittedWorld) -> list[bool]:
    """Each deviation of a pair of levels from the sum of its parts, where told."""
    design, overall = run.world.design, compute_truth(run).overall
    levels, held = design.variant_levels, []
    for told in run.report.interactions:
        if told.deviation is None:
            continue
        names = [factor.name for factor in design.factors]
        f, g = (names.index(name) for name in told.factors)
        x, y = (
            design.factors[factor].levels.index(level)
            for factor, level in zip((f, g), told.levels, strict=True)
        )
        both = {
            (i, j): overall[(levels[:, f] == i) & (levels[:, g] == j)].mean()
            for i in (0, x)
            for j in (0, y)
        }
        value = both[x, y] - both[x, 0] - both[0, y] + both[0, 0]
        held.append(_is_inside(told.deviation, value))
    return held


def check_coefficients(run: FittedWorld) -> list[bool]:
    """Each interaction of two design levels as a coefficient, log odds."""
    design = run.world.design
    theta = np.concatenate([[0.0], run.world.theta])
    known = Posterior(design, theta, np.zeros((len(theta), len(theta))))
    pairs = zip(run.report.coefficients, compute_coefficients(known), strict=True)
    return [
        abs(told.mean - true.mean) < NORMAL_97_5 * told.sd
        for told, true in pairs
        if told.kind == "pair"
    ]


def check_gains(run: FittedWorld) -> list[bool]:
    """What personalization adds on each context level: selected by what was learnt."""
    truth, design = compute_truth(run), run.world.design
    held = []
    for context in run.report.contexts:
        index = [each.name for each in design.contexts].index(context.factor)
        names = [
            design.level_name(index, k) for k in range(design.context_sizes[index])
        ]
        level = names.index(context.level)
        within = truth.mix * (design.context_levels[:, index] == level)
        rates = within @ truth.rates / within.sum()
        gain = rates[context.best_variant - 1] - rates[run.report.best_variant - 1]
        held.append(_is_inside(context.expected_gain, gain))
    return held


def check_lift(run: FittedWorld) -> list[bool]:
    """The best variant's lift over the baseline: selected by what was learnt."""
    told, rates = run.report.best_vs_baseline_percent, compute_truth(run).overall
    if told is None:
        return []
    return [_is_inside(told, 100 * (rates[run.report.best_variant - 1] / rates[0] - 1))]


QUANTITIES: dict[str, Callable[[FittedWorld], list[bool]]] = {
    "variant means": check_means,
    "contrasts": check_contrasts,
    "interactions": check_interactions,
    "coefficients": check_coefficients,
    "expected gain": check_gains,
    "best vs baseline": check_lift,
}


def standardize_errors(run: FittedWorld) -> Floats:
    """Errors of contrasts to the baseline over their posterior sd, contexts seen."""
    design = run.world.design
    segments = np.flatnonzero(run.world.mix)
    segment = np.repeat(segments, design.variants - 1)
    variant = np.tile(np.arange(1, design.variants), len(segments))
    rows = design.rows(variant, segment)
    rows = rows - design.rows(np.zeros_like(variant), segment)
    covariance = run.posterior.covariance[1:, 1:]
    variance = np.einsum("ij,ij->i", rows @ covariance, rows)
    off = rows @ (run.posterior.mean[1:] - run.world.theta)
    return np.asarray(off / np.sqrt(variance))


def list_claims(run: FittedWorld) -> tuple[list[float], list[bool]]:
    """For each variant: its prob_best over the mix of contexts, and whether it is."""
    best = compute_truth(run).overall.argmax()
    told = [variant.prob_best for variant in run.report.variants]
    return told, [index == best for index in range(len(told))]


def _is_inside(told: PosteriorEstimate, value: float) -> bool:
    return bool(told.lo <= value <= told.hi)
