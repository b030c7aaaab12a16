"""Modeled headlines: shown where variants are alike, and how true where they differ."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.statistics import report
from benchmarks.statistics.prior_worlds import (
    FittedWorld,
    Setting,
    World,
    build_design,
    learn_world,
)
from benchmarks.statistics.truths import compute_truth
from models_app.bandit.report.posterior_draws import LiftEstimate
from optimizations.results.reasons import read_lift

DESIGNS = (
    Setting((2,), (), 0.05, 1_000),
    Setting((6,), (), 0.05, 1_000),
    Setting((3, 3, 2), (), 0.05, 2_000),
)
# True lift of the best level of the first factor over its other levels, in percent.
EFFECTS = (0, 10, 20, 40)


@dataclass(frozen=True, slots=True)
class Headline:
    """One modeled lift of a run, in percent; `shown` is None where it is withheld."""

    median: float
    shown: float | None
    truth: float


@dataclass(frozen=True, slots=True)
class Row:
    """Averages over runs, in percent.

    `median`: of the posterior, whether shown or not. `shown_share`: runs that show it.
    `headline`: what is shown, 0 where nothing is. `shown`, `truth_shown`: of the runs that
    show it. `truth`: of all runs.
    """

    setting: Setting
    effect: float
    figure: str
    median: report.Average
    shown_share: report.Share
    headline: report.Average
    shown: report.Average
    truth_shown: report.Average
    truth: report.Average


def read_improvement(run: FittedWorld) -> Headline:
    """Return the lift of what is served over the baseline."""
    truth = compute_truth(run)
    served = float(truth.mix @ (run.policy.probabilities * truth.rates).sum(axis=1))
    estimate = run.report.estimated_improvement_percent
    return _build_headline(estimate, served / truth.overall[0])


def read_best(run: FittedWorld) -> Headline:
    """Return the lift of the leader over the baseline."""
    overall = compute_truth(run).overall
    estimate = run.report.best_vs_baseline_percent
    return _build_headline(estimate, overall[run.report.best_variant - 1] / overall[0])


FIGURES: dict[str, Callable[[FittedWorld], Headline]] = {
    "estimated_improvement": read_improvement,
    "best_vs_baseline": read_best,
}


def run_study(
    runs: int,
    seed: int,
    designs: tuple[Setting, ...] = DESIGNS,
    effects: tuple[float, ...] = EFFECTS,
) -> list[Row]:
    """Learn `runs` worlds of each design and effect, and read their headlines."""
    return [
        row
        for setting in designs
        for effect in effects
        for row in _run_world(runs, seed, setting, effect)
    ]


def _run_world(runs: int, seed: int, setting: Setting, effect: float) -> list[Row]:
    found: dict[str, list[Headline]] = {name: [] for name in FIGURES}
    for number in range(runs):
        rng = np.random.default_rng([seed, number])
        fitted = learn_world(setting, build_world(setting, effect), rng)
        for name, read in FIGURES.items():
            found[name].append(read(fitted))
    return [
        _summarize(setting, effect, name, headlines)
        for name, headlines in found.items()
    ]


def build_world(setting: Setting, effect: float) -> World:
    """Return a world in which the last level of the first factor is better, or none is.

    The rate stays the same from day to day.
    """
    design = build_design(setting)
    odds = setting.rate / (1 - setting.rate)
    better = setting.rate * (1 + effect / 100)
    gain = float(np.log(better / (1 - better) / odds))
    is_last = design.variant_levels[:, 0] == design.sizes[0] - 1
    variants = np.arange(design.variants)
    features = design.rows(variants, np.zeros_like(variants))
    theta = np.linalg.lstsq(features, gain * (is_last - is_last.mean()), rcond=None)[0]
    start = np.log(odds) + gain * is_last.mean()
    return World(design, theta, np.full(setting.days, start), np.ones(1))


def _build_headline(estimate: LiftEstimate | None, ratio: float) -> Headline:
    assert estimate is not None  # the baseline's rate is far above zero
    lift = read_lift(
        {
            "mean": estimate.mean,
            "lo": estimate.lo,
            "hi": estimate.hi,
            "median": estimate.median,
        }
    )
    assert lift is not None
    return Headline(estimate.median, lift.median, 100 * (float(ratio) - 1))


def _summarize(
    setting: Setting, effect: float, figure: str, headlines: list[Headline]
) -> Row:
    shown = [row for row in headlines if row.shown is not None]

    def average(values: list[float]) -> report.Average:
        return report.compute_average([[value / 100] for value in values])

    return Row(
        setting,
        effect,
        figure,
        median=average([row.median for row in headlines]),
        shown_share=report.compute_share([row.shown is not None for row in headlines]),
        headline=average([row.shown or 0.0 for row in headlines]),
        shown=average([row.median for row in shown]),
        truth_shown=average([row.truth for row in shown]),
        truth=average([row.truth for row in headlines]),
    )


def main() -> None:
    """Print the table."""
    options = report.parse_arguments(runs=200)
    report.print_table(
        "Modeled headlines after 14 days of daily allocation, a tenth held out (percent)",
        (
            *("design", "users/day", "effect", "figure", "median", "shown in"),
            *("headline, 0 where withheld", "where shown", "truth there", "truth"),
        ),
        [
            (
                str(row.setting),
                row.setting.users,
                f"{row.effect:+g}%",
                row.figure,
                *(row.median, row.shown_share, row.headline),
                *(row.shown, row.truth_shown, row.truth),
            )
            for row in run_study(options.runs, options.seed)
        ],
    )


if __name__ == "__main__":
    main()
