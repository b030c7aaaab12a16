"""Part one: real store traffic (Open Bandit Dataset) replayed, learned and shown."""

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
MAX_PRINTED_ITEMS = 10  # rows of the printed table


@dataclass(frozen=True, slots=True)
class Impression:
    """One item shown to one visitor."""

    visitor: str
    at: datetime
    item: str
    context: dict[str, str]
    clicked: bool


def load_impressions(now: datetime) -> list[Impression]:
    """Read the logged traffic, shifted so that its newest row is two days old."""
    rows = [row for name in DATA_FILES for row in _read_rows(name)]
    newest = max(at for _, at, _ in rows)
    shift = now - timedelta(days=2) - newest
    return [
        Impression(
            visitor,
            at + shift,
            row["item_id"],
            {"position": row["position"], "segment": row["user_feature_0"]},
            row["click"] == "1",
        )
        for visitor, at, row in rows
    ]


def _read_rows(name: str) -> list[tuple[str, datetime, dict[str, str]]]:
    with gzip.open(DATA_FOLDER / name, "rt") as file:
        return [
            (
                f"{name.split('_', maxsplit=1)[0]}-{i}",
                datetime.fromisoformat(row["timestamp"]),
                row,
            )
            for i, row in enumerate(csv.DictReader(file))
        ]


def run_replay(client: Client, now: datetime) -> None:
    """Define, send, train, and print what was learned beside the raw counts."""
    seen = load_impressions(now)
    tqdm.write(f"\n1. Real store traffic: {len(seen):,} impressions, replayed")
    optimization = _create_optimization(client, seen, now)
    _send_events(client, optimization["id"], seen)
    client.train(optimization["model_id"], "   training")
    _print_results(
        client.call("GET", f"/models/{optimization['model_id']}/state"), seen
    )


def _create_optimization(client: Client, seen: list[Impression], now: datetime) -> Json:
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
        key: sorted({each.context[key] for each in seen})
        for key in ("position", "segment")
    }
    return client.call(
        "POST",
        "/optimizations",
        {
            "name": f"Store recommendations {now:%d %b %H:%M}",
            "reward_metric_id": metric["id"],
            "holdout_percentage": 0,
            "training_data_config": {
                "reward": {"name": "click", "type": "bool"},
                "design_factors": [
                    {
                        "name": "item",
                        "dtype": "str",
                        "levels": sorted({each.item for each in seen}, key=int),
                    }
                ],
                "context_factors": [
                    {"name": name, "dtype": "str", "levels": values}
                    for name, values in levels.items()
                ],
            },
        },
    )


def _send_events(client: Client, optimization_id: str, seen: list[Impression]) -> None:
    client.ingest(
        "exposures",
        [
            {
                "anonymous_id": each.visitor,
                "optimization_id": optimization_id,
                "variant": {"item": each.item},
                "context": each.context,
                "timestamp": each.at.isoformat(),
            }
            for each in seen
        ],
        "   sending impressions",
    )
    client.ingest(
        "rewards",
        [
            {
                "anonymous_id": each.visitor,
                "optimization_id": optimization_id,
                "name": "click",
                "timestamp": (each.at + timedelta(minutes=1)).isoformat(),
            }
            for each in seen
            if each.clicked
        ],
    )


def _print_results(state: Json, seen: list[Impression]) -> None:
    shown = Counter(each.item for each in seen)
    clicks = Counter(each.item for each in seen if each.clicked)
    overall = len([each for each in seen if each.clicked]) / len(seen)
    tqdm.write(f"   overall click rate {overall:.2%}; where traffic would now go:")
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
    tqdm.write("   where a context is known, the most likely best item is:")
    for row in state["contexts"]:
        if row["share"]:
            ((name, level),) = row["context"].items()
            tqdm.write(
                f"   {name} {level} ({row['share']:.0%} of visitors): item "
                f"{items[row['best_variant'] - 1]} with probability {row['prob_best']:.0%}"
            )


def _compute_wilson_interval(
    successes: int, trials: int, z: float = 1.96
) -> tuple[float, float]:
    """Wilson's 95% interval for one proportion (1927)."""
    rate, spread = successes / trials, z * z / trials
    centre = rate + spread / 2
    half = z * math.sqrt(rate * (1 - rate) / trials + spread / (4 * trials))
    return (centre - half) / (1 + spread), (centre + half) / (1 + spread)
