"""What is true of the figures that a report gives, and whether its intervals hold it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.statistics.prior_worlds import Learnt
from models_app.bandit.design.design import Floats
from models_app.bandit.regression.posterior import Posterior
from models_app.bandit.report import coefficients as effects, posterior_draws
from models_app.bandit.report.posterior_draws import Estimate

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


def truth_of(run: Learnt) -> Truth:
    """The truth of the very figures that the report gives."""
    last = len(run.world.levels) - 1
    mix = posterior_draws.mix(run.world.design, run.cells)
    return Truth(run.world.rates(last), mix)


def means(run: Learnt) -> list[bool]:
    """Each variant's mean."""
    truth = truth_of(run).overall
    told = [variant.expected_reward for variant in run.report.variants]
    return [_holds(each, value) for each, value in zip(told, truth, strict=True)]


def contrasts(run: Learnt) -> list[bool]:
    """Each variant against the baseline in each context seen, log odds."""
    return [abs(z) < NORMAL_97_5 for z in standardized(run)]


def interactions(run: Learnt) -> list[bool]:
    """Each deviation of a pair of levels from the sum of its parts, where told."""
    design, overall = run.world.design, truth_of(run).overall
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
        held.append(_holds(told.deviation, value))
    return held


def coefficients(run: Learnt) -> list[bool]:
    """Each interaction of two design levels as a coefficient, log odds."""
    design = run.world.design
    theta = np.concatenate([[0.0], run.world.theta])
    known = Posterior(design, theta, np.zeros((len(theta), len(theta))))
    pairs = zip(run.report.coefficients, effects.coefficients(known), strict=True)
    return [
        abs(told.mean - true.mean) < NORMAL_97_5 * told.sd
        for told, true in pairs
        if told.kind == "pair"
    ]


def gains(run: Learnt) -> list[bool]:
    """What personalization adds on each context level: selected by what was learnt."""
    truth, design = truth_of(run), run.world.design
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
        held.append(_holds(context.expected_gain, gain))
    return held


def lift(run: Learnt) -> list[bool]:
    """The best variant's lift over the baseline: selected by what was learnt."""
    told, rates = run.report.best_vs_baseline_percent, truth_of(run).overall
    if told is None:
        return []
    return [_holds(told, 100 * (rates[run.report.best_variant - 1] / rates[0] - 1))]


QUANTITIES: dict[str, Callable[[Learnt], list[bool]]] = {
    "variant means": means,
    "contrasts": contrasts,
    "interactions": interactions,
    "coefficients": coefficients,
    "expected gain": gains,
    "best vs baseline": lift,
}


def standardized(run: Learnt) -> Floats:
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


def claims(run: Learnt) -> tuple[list[float], list[bool]]:
    """For each variant: its prob_best over the mix of contexts, and whether it is."""
    best = truth_of(run).overall.argmax()
    told = [variant.prob_best for variant in run.report.variants]
    return told, [index == best for index in range(len(told))]


def _holds(told: Estimate, value: float) -> bool:
    return bool(told.lo <= value <= told.hi)
