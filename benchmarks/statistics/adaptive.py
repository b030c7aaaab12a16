"""T4, T14: after adaptive allocation, do intervals cover, and is prob_best right so often?"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.statistics import report
from benchmarks.statistics.prior_worlds import SETTINGS, Setting, run_learner
from benchmarks.statistics.truths import QUANTITIES, list_claims, standardize_errors
from models_app.bandit.design.design import Floats

LEVELS = {"50%": 0.674, "80%": 1.282, "95%": 1.960, "99%": 2.576}
CLAIMS = 0.0, 0.5, 0.8, 0.9, 0.99, 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """Coverage by quantity and by level, and leaders: claimed and right."""

    setting: Setting
    covered: dict[str, report.Average]
    levels: dict[str, report.Average]
    leaders_claimed: report.Average
    leaders_right: report.Average
    told: Floats
    right: Floats


def run_study(runs: int, seed: int, some: tuple[Setting, ...] = SETTINGS) -> list[Row]:
    """Learn `runs` worlds of each setting and hold the figures against the truth."""
    return [_run_setting(runs, seed, setting) for setting in some]


def _run_setting(runs: int, seed: int, setting: Setting) -> Row:
    every: dict[str, list[list[bool]]] = {name: [] for name in QUANTITIES}
    levels: dict[str, list[list[bool]]] = {name: [] for name in LEVELS}
    told, right = [], []
    for run in range(runs):
        found = run_learner(setting, np.random.default_rng([seed, run]))
        for name, quantity in QUANTITIES.items():
            every[name].append(quantity(found))
        errors = np.abs(standardize_errors(found))
        for name, size in LEVELS.items():
            levels[name].append((errors < size).tolist())
        claimed, is_best = list_claims(found)
        told.append(claimed)
        right.append(is_best)
    claimed_by, right_by = np.array(told), np.array(right, dtype=np.float64)
    leader = claimed_by.argmax(axis=1)[:, None]
    return Row(
        setting,
        {name: report.compute_average(each) for name, each in every.items()},
        {name: report.compute_average(each) for name, each in levels.items()},
        report.compute_average(np.take_along_axis(claimed_by, leader, 1).tolist()),
        report.compute_average(np.take_along_axis(right_by, leader, 1).tolist()),
        claimed_by.ravel(),
        right_by.ravel(),
    )


def main() -> None:
    options = report.parse_arguments(runs=400)
    rows = run_study(options.runs, options.seed)
    named = ("design", "rate", "users/day", "rule")
    of = [
        (str(r.setting), r.setting.rate, r.setting.users, r.setting.rule) for r in rows
    ]
    report.print_table(
        "T4  worlds from the prior, 14 days of daily allocation, a tenth held out: "
        "95% intervals that hold the truth (percent)",
        (*named, *QUANTITIES),
        [(*head, *row.covered.values()) for head, row in zip(of, rows, strict=True)],
    )
    report.print_table(
        "T14  contrasts within their central intervals; the leader's prob_best on "
        "average, and how often it is the best (percent)",
        (*named, *LEVELS, "claimed", "right"),
        [
            (*head, *row.levels.values(), row.leaders_claimed, row.leaders_right)
            for head, row in zip(of, rows, strict=True)
        ],
    )
    report.print_table(
        "T14  every variant's prob_best: how often those so sure are the best (percent)",
        ("prob_best", "variants", "claimed", "right"),
        list(_build_calibration_rows(rows)),
    )


def _build_calibration_rows(rows: list[Row]) -> list[tuple[object, ...]]:
    told = np.concatenate([row.told for row in rows])
    right = np.concatenate([row.right for row in rows])
    found: list[tuple[object, ...]] = []
    for low, high in pairwise(CLAIMS):
        chosen = (told >= low) & ((told < high) | (high == 1.0))
        name = f"{100 * low:.0f} to {100 * high:.0f}"
        claimed = 100 * told[chosen].mean() if chosen.any() else float("nan")
        found.append(
            (name, chosen.sum(), f"{claimed:.2f}", report.compute_share(right[chosen]))
        )
    return found


if __name__ == "__main__":
    main()
