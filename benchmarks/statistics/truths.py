"""The true values of a report's figures, and whether its intervals contain them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.statistics.prior_worlds import FittedWorld
from benchmarks.statistics.two_variants import NORMAL_97_5
from models_app.bandit.design.design import Floats
from models_app.bandit.policy import leading
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.report import even_split, posterior_draws
from models_app.bandit.report.coefficients import compute_coefficients
from models_app.bandit.report.posterior_draws import PosteriorEstimate


@dataclass(frozen=True, slots=True)
class Truth:
    """Conversion rates [S, V] on the last day, and the observed mix [S] of contexts."""

    rates: Floats
    mix: Floats

    @property
    def overall(self) -> Floats:
        """True rate [V] over the mix."""
        return self.mix @ self.rates


def compute_truth(run: FittedWorld) -> Truth:
    """Return the truth that the report estimates."""
    last = len(run.world.levels) - 1
    mix = posterior_draws.compute_context_mix(run.world.design, run.cells)
    return Truth(run.world.rates(last), mix)


def check_means(run: FittedWorld) -> list[bool]:
    """Return for each variant whether the interval of its mean contains the truth."""
    truth = compute_truth(run).overall
    estimates = [variant.expected_reward for variant in run.report.variants]
    return [
        _is_inside(estimate, value)
        for estimate, value in zip(estimates, truth, strict=True)
    ]


def check_contrasts(run: FittedWorld) -> list[bool]:
    """Check each variant's contrast to the baseline in each occurring context."""
    return [abs(z) < NORMAL_97_5 for z in standardize_errors(run)]


def check_interactions(run: FittedWorld) -> list[bool]:
    """Check the reported deviations of pairs of levels from the sum of their parts."""
    design, overall = run.world.design, compute_truth(run).overall
    levels, covered = design.variant_levels, []
    for interaction in run.report.interactions:
        if interaction.deviation is None:
            continue
        names = [factor.name for factor in design.factors]
        f, g = (names.index(name) for name in interaction.factors)
        x, y = (
            design.factors[factor].levels.index(level)
            for factor, level in zip((f, g), interaction.levels, strict=True)
        )
        means = {
            (i, j): overall[(levels[:, f] == i) & (levels[:, g] == j)].mean()
            for i in (0, x)
            for j in (0, y)
        }
        value = means[x, y] - means[x, 0] - means[0, y] + means[0, 0]
        covered.append(_is_inside(interaction.deviation, value))
    return covered


def check_coefficients(run: FittedWorld) -> list[bool]:
    """Check each coefficient (log odds) of a pair of design levels."""
    design = run.world.design
    theta = np.concatenate([[0.0], run.world.theta])
    truth = Posterior(design, theta, np.zeros((len(theta), len(theta))))
    pairs = zip(run.report.coefficients, compute_coefficients(truth), strict=True)
    return [
        abs(estimate.mean - true.mean) < NORMAL_97_5 * estimate.sd
        for estimate, true in pairs
        if estimate.kind == "pair"
    ]


def check_gains(run: FittedWorld) -> list[bool]:
    """Check the gain of personalization on each context level.

    Its best variant was selected by the same data.
    """
    truth, design = compute_truth(run), run.world.design
    covered = []
    for context in run.report.contexts:
        index = [factor.name for factor in design.contexts].index(context.factor)
        names = [
            design.level_name(index, k) for k in range(design.context_sizes[index])
        ]
        level = names.index(context.level)
        within = truth.mix * (design.context_levels[:, index] == level)
        rates = within @ truth.rates / within.sum()
        gain = rates[context.best_variant - 1] - rates[run.report.best_variant - 1]
        covered.append(_is_inside(context.expected_gain, gain))
    return covered


def check_lift(run: FittedWorld) -> list[bool]:
    """Check the lift over the baseline of the best variant, selected by the same data."""
    estimate, rates = run.report.best_vs_baseline_percent, compute_truth(run).overall
    if estimate is None:
        return []
    lift = rates[run.report.best_variant - 1] / rates[0] - 1
    return [_is_inside(estimate, 100 * lift)]


def check_personalization(run: FittedWorld) -> list[bool]:
    """Check what the leading variants by context earn beyond the leader for everybody.

    Nothing is claimed where one variant leads in every context.
    """
    estimate, truth = run.report.personalization_percent, compute_truth(run)
    if estimate is None or estimate.lo == estimate.hi:
        return []
    enabled = np.ones(run.world.design.variants, dtype=bool)
    table = leading.build_leading_table(run.policy.prob_best, enabled)
    chosen = float(truth.mix @ (table * truth.rates).sum(axis=1))
    gain = chosen / truth.overall[run.report.best_variant - 1] - 1
    return [_is_inside(estimate, 100 * gain)]


def check_even_split(run: FittedWorld) -> list[bool]:
    """Check what serving by the policy was worth, at the true rates of each day."""
    estimate = run.report.even_split
    assert estimate is not None  # each day serves users
    truth = sum(
        float((even_split.compute_surplus(served) * run.world.rates(served.day)).sum())
        for served in run.served
    )
    return [_is_inside(estimate.extra, truth)]


QUANTITIES: dict[str, Callable[[FittedWorld], list[bool]]] = {
    "variant means": check_means,
    "contrasts": check_contrasts,
    "interactions": check_interactions,
    "coefficients": check_coefficients,
    "expected gain": check_gains,
    "best vs baseline": check_lift,
    "personalization": check_personalization,
    "even split": check_even_split,
}


def standardize_errors(run: FittedWorld) -> Floats:
    """Return the errors of contrasts to the baseline over their posterior sd.

    Contrasts are in log odds, in each occurring context.
    """
    design = run.world.design
    segments = np.flatnonzero(run.world.mix)
    segment = np.repeat(segments, design.variants - 1)
    variant = np.tile(np.arange(1, design.variants), len(segments))
    rows = design.rows(variant, segment)
    rows = rows - design.rows(np.zeros_like(variant), segment)
    covariance = run.posterior.covariance[1:, 1:]
    variance = np.einsum("ij,ij->i", rows @ covariance, rows)
    errors = rows @ (run.posterior.mean[1:] - run.world.theta)
    return np.asarray(errors / np.sqrt(variance))


def list_claims(run: FittedWorld) -> tuple[list[float], list[bool]]:
    """Return each variant's prob_best over the mix of contexts, and whether it is best."""
    best = compute_truth(run).overall.argmax()
    claims = [variant.prob_best for variant in run.report.variants]
    return claims, [index == best for index in range(len(claims))]


def _is_inside(estimate: PosteriorEstimate, value: float) -> bool:
    return bool(estimate.lo <= value <= estimate.hi)
