"""Part one of the demo: replay real store traffic (Open Bandit Dataset) and train on it."""

import csv
import gzip
import math
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from levered_site.demo.client import Client, Json

DATA_FOLDER = Path(__file__).parent / "open_bandit"
DATA_FILES = ("uniform_policy_men.csv.gz", "thompson_policy_men.csv.gz")
CLICK_SQL = """
SELECT anonymous_id, timestamp_utc
FROM managed_dw.rewards
WHERE name = 'click' AND timestamp_utc >= @start_date
"""
NAME = "Store recommendations"
NEWEST_AGE = timedelta(hours=3)
MAX_PRINTED_ITEMS = 10


@dataclass(frozen=True, slots=True)
class Impression:
    """One item shown to one visitor."""

    visitor: str
    timestamp: datetime
    item: str
    context: dict[str, str]
    clicked: bool


def load_impressions(now: datetime) -> list[Impression]:
    """Return the logged traffic, shifted in time so that its newest row is a few hours old."""
    rows = [row for name in DATA_FILES for row in _read_rows(name)]
    newest = max(timestamp for _, timestamp, _ in rows)
    shift = now - NEWEST_AGE - newest
    return [
        Impression(
            visitor,
            timestamp + shift,
            row["item_id"],
            {"position": row["position"], "segment": row["user_feature_0"]},
            row["click"] == "1",
        )
        for visitor, timestamp, row in rows
    ]


def _read_rows(name: str) -> list[tuple[str, datetime, dict[str, str]]]:
    """Return visitor id, timestamp and columns of each row of a file."""
    with gzip.open(DATA_FOLDER / name, "rt") as file:
        return [
            (
                f"{name.split('_', maxsplit=1)[0]}-{index}",
                datetime.fromisoformat(row["timestamp"]),
                row,
            )
            for index, row in enumerate(csv.DictReader(file))
        ]


def run_replay(client: Client, now: datetime) -> None:
    """Create an optimization, send the traffic, train, print raw and learned rates."""
    impressions = load_impressions(now)
    tqdm.write(f"\n1. Real store traffic: {len(impressions):,} impressions, replayed")
    optimization = _create_optimization(client, impressions)
    _send_events(client, optimization["id"], impressions)
    client.train(optimization["model_id"], "   training")
    state = client.call("GET", f"/models/{optimization['model_id']}/state")
    _print_results(state, impressions)


def _create_optimization(client: Client, impressions: list[Impression]) -> Json:
    metric = client.call(
        "POST",
        "/warehouse/metrics",
        {
            "name": "Click",
            "sql": CLICK_SQL,
            "column_mapping": {
                "anonymous_id": "anonymous_id",
                "timestamp": "timestamp_utc",
                "reward_type": "bool",
            },
        },
    )
    levels = {
        name: sorted({impression.context[name] for impression in impressions})
        for name in ("position", "segment")
    }
    return client.call(
        "POST",
        "/optimizations",
        {
            "name": NAME + client.choose_suffix([NAME]),
            "reward_metric_id": metric["id"],
            "holdout_percentage": 0,
            "training_data_config": {
                "reward": {"name": "click", "type": "bool"},
                "design_factors": [
                    {
                        "name": "item",
                        "dtype": "str",
                        "levels": sorted(
                            {impression.item for impression in impressions}, key=int
                        ),
                    }
                ],
                "context_factors": [
                    {"name": name, "dtype": "str", "levels": values}
                    for name, values in levels.items()
                ],
            },
        },
    )


def _send_events(
    client: Client, optimization_id: str, impressions: list[Impression]
) -> None:
    client.ingest(
        "exposures",
        [
            {
                "anonymous_id": impression.visitor,
                "optimization_id": optimization_id,
                "variant": {"item": impression.item},
                "context": impression.context,
                "timestamp": impression.timestamp.isoformat(),
            }
            for impression in impressions
        ],
        "   sending impressions",
    )
    client.ingest(
        "rewards",
        [
            {
                "anonymous_id": impression.visitor,
                "optimization_id": optimization_id,
                "name": "click",
                "timestamp": (impression.timestamp + timedelta(minutes=1)).isoformat(),
            }
            for impression in impressions
            if impression.clicked
        ],
    )


def _print_results(state: Json, impressions: list[Impression]) -> None:
    shown = Counter(impression.item for impression in impressions)
    clicks = Counter(
        impression.item for impression in impressions if impression.clicked
    )
    click_rate = clicks.total() / len(impressions)
    tqdm.write(f"   overall click rate {click_rate:.2%}; where traffic would now go:")
    tqdm.write(
        "   item    shown clicks    raw rate [95%]        learned [95%]      traffic"
    )
    ranked = sorted(state["variants"], key=lambda row: -row["weight"])
    for row in islice(ranked, MAX_PRINTED_ITEMS):
        item = row["variant"]["item"]
        low, high = _compute_wilson_interval(clicks[item], shown[item])
        tqdm.write(
            f"   {item:>4} {shown[item]:8,} {clicks[item]:6} "
            f"{clicks[item] / shown[item]:8.2%} [{low:.2%}, {high:.2%}] "
            f"{row['expected_reward_mean']:8.2%} [{row['expected_reward_lo']:.2%}, "
            f"{row['expected_reward_hi']:.2%}] {row['weight']:8.1%}"
        )
    rest = sum(row["weight"] for row in ranked[MAX_PRINTED_ITEMS:])
    tqdm.write(
        f"   the other {len(ranked) - MAX_PRINTED_ITEMS} items together {rest:.1%}"
    )
    _print_contexts(state, [row["variant"]["item"] for row in state["variants"]])


def _print_contexts(state: Json, items: list[str]) -> None:
    tqdm.write("   the most likely best item in each context:")
    for row in state["contexts"]:
        if row["share"] and row["best_variant"] is not None:
            ((name, level),) = row["context"].items()
            tqdm.write(
                f"   {name} {level} ({row['share']:.0%} of visitors): item "
                f"{items[row['best_variant'] - 1]} with probability {row['prob_best']:.0%}"
            )


def _compute_wilson_interval(
    successes: int, trials: int, z: float = 1.96
) -> tuple[float, float]:
    """Return Wilson's 95% interval of one proportion (Wilson 1927)."""
    rate, spread = successes / trials, z * z / trials
    center = rate + spread / 2
    half = z * math.sqrt(rate * (1 - rate) / trials + spread / (4 * trials))
    return (center - half) / (1 + spread), (center + half) / (1 + spread)
