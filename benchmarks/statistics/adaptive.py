"""T4 and T14: coverage and calibration of prob_best after adaptive allocation."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.statistics import report
from benchmarks.statistics.prior_worlds import SETTINGS, Setting, run_learner
from benchmarks.statistics.truths import QUANTITIES, list_claims, standardize_errors
from models_app.bandit.design.design import Floats

# Central intervals by probability: half width in standard deviations.
LEVELS = {"50%": 0.674, "80%": 1.282, "95%": 1.960, "99%": 2.576}
# Ends of the classes of prob_best whose calibration is printed.
CLAIM_BOUNDS = 0.0, 0.5, 0.8, 0.9, 0.99, 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """Coverage by quantity and by level, and calibration of prob_best.

    ``claimed`` is the prob_best of each variant of each run, ``right`` whether the variant
    is the best. ``leaders_*`` are the averages for the variant that leads.
    """

    setting: Setting
    covered: dict[str, report.Average]
    levels: dict[str, report.Average]
    leaders_claimed: report.Average
    leaders_right: report.Average
    claimed: Floats
    right: Floats


def run_study(
    runs: int, seed: int, settings: tuple[Setting, ...] = SETTINGS
) -> list[Row]:
    """Learn `runs` worlds of each setting and compare the report with the truth."""
    return [_run_setting(runs, seed, setting) for setting in settings]


def _run_setting(runs: int, seed: int, setting: Setting) -> Row:
    covered: dict[str, list[list[bool]]] = {name: [] for name in QUANTITIES}
    levels: dict[str, list[list[bool]]] = {name: [] for name in LEVELS}
    claims, best = [], []
    for run in range(runs):
        fitted = run_learner(setting, np.random.default_rng([seed, run]))
        for name, check in QUANTITIES.items():
            covered[name].append(check(fitted))
        errors = np.abs(standardize_errors(fitted))
        for name, half_width in LEVELS.items():
            levels[name].append((errors < half_width).tolist())
        claimed_by_variant, is_best = list_claims(fitted)
        claims.append(claimed_by_variant)
        best.append(is_best)
    claimed, right = np.array(claims), np.array(best, dtype=np.float64)
    leader = claimed.argmax(axis=1)[:, None]
    return Row(
        setting,
        {name: report.compute_average(hits) for name, hits in covered.items()},
        {name: report.compute_average(hits) for name, hits in levels.items()},
        report.compute_average(np.take_along_axis(claimed, leader, 1).tolist()),
        report.compute_average(np.take_along_axis(right, leader, 1).tolist()),
        claimed.ravel(),
        right.ravel(),
    )


def main() -> None:
    options = report.parse_arguments(runs=400)
    rows = run_study(options.runs, options.seed)
    setting_header = ("design", "rate", "users/day", "rule")
    setting_cells = [
        (str(r.setting), r.setting.rate, r.setting.users, r.setting.rule) for r in rows
    ]
    report.print_table(
        "T4  worlds from the prior, 14 days of daily allocation, a tenth held out: "
        "95% intervals that contain the truth (percent)",
        (*setting_header, *QUANTITIES),
        [
            (*cells, *row.covered.values())
            for cells, row in zip(setting_cells, rows, strict=True)
        ],
    )
    report.print_table(
        "T14  contrasts within their central intervals; the leader's prob_best on "
        "average, and how often it is the best (percent)",
        (*setting_header, *LEVELS, "claimed", "right"),
        [
            (*cells, *row.levels.values(), row.leaders_claimed, row.leaders_right)
            for cells, row in zip(setting_cells, rows, strict=True)
        ],
    )
    report.print_table(
        "T14  every variant's prob_best, and how often such variants are the best (percent)",
        ("prob_best", "variants", "claimed", "right"),
        list(_build_calibration_rows(rows)),
    )


def _build_calibration_rows(rows: list[Row]) -> list[tuple[object, ...]]:
    claimed = np.concatenate([row.claimed for row in rows])
    right = np.concatenate([row.right for row in rows])
    lines: list[tuple[object, ...]] = []
    for low, high in pairwise(CLAIM_BOUNDS):
        in_class = (claimed >= low) & ((claimed < high) | (high == 1.0))
        name = f"{100 * low:.0f} to {100 * high:.0f}"
        mean = 100 * claimed[in_class].mean() if in_class.any() else float("nan")
        share = report.compute_share(right[in_class])
        lines.append((name, in_class.sum(), f"{mean:.2f}", share))
    return lines


if __name__ == "__main__":
    main()
