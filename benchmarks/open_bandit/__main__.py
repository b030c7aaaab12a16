"""Print how many items' clicks lie in their intervals: `make bench BENCH=open_bandit`."""

import argparse
from collections.abc import Iterator

import numpy as np

from benchmarks.open_bandit import logs
from benchmarks.open_bandit.predictive import (
    Prediction,
    predict_by_model,
    predict_by_plain_rates,
    split_log,
)
from benchmarks.statistics import report

PREDICTORS = {"the learner": predict_by_model, "its own rate": predict_by_plain_rates}
HEADER = (
    *("log", "held back", "predicted by", "splits", "items", "clicks"),
    *("covered %", "fewest %", "promised %", "width", "total covered %"),
)


def main() -> None:
    """Split each log in time and at random, and predict the held-back half."""
    parser = argparse.ArgumentParser(prog="benchmarks.open_bandit", description=__doc__)
    parser.add_argument("--splits", type=int, default=50, help="random halves")
    options = parser.parse_args()
    report.print_table(
        "Open Bandit logs: items whose clicks in the held-back half lie in the 95% interval",
        HEADER,
        list(_build_rows(options.splits)),
    )


def _build_rows(splits: int) -> Iterator[list[object]]:
    held_back = {
        "forward": "later half",
        "backward": "earlier half",
        "random": "random half",
    }
    for policy in logs.POLICIES:
        log = logs.read_log(policy)
        for kind, half in held_back.items():
            count = splits if kind == "random" else 1
            halves = [split_log(log, kind, seed) for seed in range(count)]
            for name, predict in PREDICTORS.items():
                predictions = [predict(*pair) for pair in halves]
                yield [policy, half, name, count, *_summarize_predictions(predictions)]


def _summarize_predictions(predictions: list[Prediction]) -> list[object]:
    covered = [100 * item.covered.mean() for item in predictions]
    widths = [(item.high - item.low).mean() for item in predictions]
    totals = [
        low <= clicks <= high
        for clicks, low, high in (item.total for item in predictions)
    ]
    return [
        len(predictions[0].clicks),
        f"{np.mean([item.clicks.sum() for item in predictions]):.0f}",
        f"{np.mean(covered):.1f}",
        f"{np.min(covered):.1f}",
        f"{100 * np.mean([item.promised.mean() for item in predictions]):.1f}",
        f"{np.mean(widths):.1f}",
        f"{100 * np.mean(totals):.0f}",
    ]


if __name__ == "__main__":
    main()
