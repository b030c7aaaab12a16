"""Part two of the demo: simulated visitors with known conversion rates.

Decisions are made here from the policy table, as a client outside the service can.
"""

import hashlib
import json
import random
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import accumulate, product
from math import exp, log

from tqdm import tqdm

from levered_site.demo.client import Client, Json

DAYS = 14
VISITORS_A_DAY = 3_000
BASE_RATE = 0.06
FACTORS: dict[str, list[str]] = {
    "headline": ["Start free", "Save hours", "Join 9,000 teams"],
    "layout": ["one column", "two columns"],
    "price": ["monthly", "yearly"],
}
DEVICES = {"desktop": 0.6, "mobile": 0.4}
# True effects in log odds; the service never gets them.
TRUE_EFFECTS = {"Save hours": 0.25, "Join 9,000 teams": 0.05, "yearly": 0.12}
MOBILE_EFFECTS = {"two columns": -0.35, "one column": 0.0}
SIGNUP_SQL = """
SELECT anonymous_id, timestamp_utc
FROM managed_dw.rewards
WHERE name = 'signup' AND timestamp_utc >= @start_date
"""


@dataclass
class Arm:
    """What the decisions of one arm earned and lost by the true rates."""

    visitors: int = 0
    earned: float = 0.0  # sum of true sign-up rates of the variants shown
    lost: float = 0.0  # sum of (best - shown)
    lost_uniform: float = 0.0  # sum of (best - mean over variants)

    def add(self, variant: Json, device: str) -> None:
        """Count one visitor, who saw the variant."""
        rates = [compute_true_rate(candidate, device) for candidate in VARIANTS]
        rate = compute_true_rate(variant, device)
        self.visitors += 1
        self.earned += rate
        self.lost += max(rates) - rate
        self.lost_uniform += max(rates) - sum(rates) / len(rates)


@dataclass
class Score:
    """Both arms, and the optimized arm's daily regret as a share of uniform's."""

    optimized: Arm = field(default_factory=Arm)
    holdout: Arm = field(default_factory=Arm)
    daily_regret: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Choice:
    """The variant that a visitor sees, and whether they are in the holdout."""

    variant: Json
    in_holdout: bool


def compute_true_rate(variant: Json, device: str) -> float:
    """Return the true sign-up rate of a variant on a device."""
    log_odds = log(BASE_RATE / (1 - BASE_RATE))
    log_odds += sum(TRUE_EFFECTS.get(str(level), 0.0) for level in variant.values())
    if device == "mobile":
        log_odds += MOBILE_EFFECTS[str(variant["layout"])]
    return 1 / (1 + exp(-log_odds))


VARIANTS = [
    dict(zip(FACTORS, levels, strict=True)) for levels in product(*FACTORS.values())
]


def run_simulation(client: Client, now: datetime) -> None:
    """On each day fetch the policy, decide, ingest and train; print the outcome."""
    tqdm.write(
        f"\n2. Simulated visitors: {DAYS} days of {VISITORS_A_DAY:,}, with known rates"
    )
    optimization = _create_optimization(client, now)
    model = f"/models/{optimization['model_id']}"
    score, generator = Score(), random.Random(7)  # noqa: S311 - traffic, not secrets
    for day in tqdm(range(DAYS), "   days", unit=" day", leave=False):
        start = (now - timedelta(days=DAYS + 1 - day)).replace(hour=0, minute=0)
        policy = client.call("GET", f"{model}/policy")
        _simulate_day(client, optimization["id"], policy, start, score, generator)
        client.train(optimization["model_id"])
    _print_results(client, optimization["id"], score)


def _create_optimization(client: Client, now: datetime) -> Json:
    metric = client.call(
        "POST",
        "/warehouse/metrics",
        {
            "name": "Signup",
            "sql": SIGNUP_SQL,
            "column_mapping": {
                "anonymous_id": "anonymous_id",
                "timestamp": "timestamp_utc",
                "reward_type": "bool",
            },
        },
    )
    return client.call(
        "POST",
        "/optimizations",
        {
            "name": f"Simulated sign-up page {now:%d %b %H:%M}",
            "reward_metric_id": metric["id"],
            "holdout_percentage": 20,
            "training_data_config": {
                "reward": {"name": "signup", "type": "bool"},
                "design_factors": [
                    {"name": name, "dtype": "str", "levels": levels}
                    for name, levels in FACTORS.items()
                ],
                "context_factors": [
                    {"name": "device", "dtype": "str", "levels": list(DEVICES)}
                ],
            },
        },
    )


def decide_variant(
    policy: Json, optimization_id: str, visitor: str, device: str
) -> Choice:
    """Choose by the holdout rule and the draw that the service uses (docs/serving.md)."""
    subject = f"{optimization_id}:{visitor}"
    holdout = hashlib.md5(subject.encode(), usedforsecurity=False).hexdigest()[:8]
    if holdout < policy["holdout"]["threshold"]:
        return Choice(VARIANTS[0], in_holdout=True)
    probabilities = next(
        segment["probabilities"]
        for segment in policy["contexts"]
        if segment["context"] == {"device": device}
    )
    digest = hashlib.sha256(f"{subject}:{policy['version']}".encode()).hexdigest()
    u = int(digest[:13], 16) / 16**13
    # The probabilities may add up to a little less than u.
    last = max(i for i, probability in enumerate(probabilities) if probability > 0)
    index = min(bisect_right(list(accumulate(probabilities)), u), last)
    return Choice(VARIANTS[index], in_holdout=False)


def _simulate_day(
    client: Client,
    optimization_id: str,
    policy: Json,
    start: datetime,
    score: Score,
    generator: random.Random,
) -> None:
    exposures, rewards, arm_before = [], [], replace(score.optimized)
    for number in range(VISITORS_A_DAY):
        visitor = f"{start:%m%d}-{number}"
        device = generator.choices(list(DEVICES), list(DEVICES.values()))[0]
        choice = decide_variant(policy, optimization_id, visitor, device)
        arm = score.holdout if choice.in_holdout else score.optimized
        arm.add(choice.variant, device)
        exposed_at = start + timedelta(seconds=generator.uniform(0, 86_000))
        event = {"anonymous_id": visitor, "optimization_id": optimization_id}
        exposures.append(
            event
            | {
                "variant": choice.variant,
                "context": {"device": device},
                "timestamp": exposed_at.isoformat(),
                "policy_version": policy["version"],
            }
        )
        if generator.random() < compute_true_rate(choice.variant, device):
            signed_up_at = exposed_at + timedelta(minutes=generator.expovariate(1 / 30))
            rewards.append(
                event | {"name": "signup", "timestamp": signed_up_at.isoformat()}
            )
    client.ingest("exposures", exposures)
    client.ingest("rewards", rewards)
    lost = score.optimized.lost - arm_before.lost
    lost_uniform = score.optimized.lost_uniform - arm_before.lost_uniform
    score.daily_regret.append(lost / lost_uniform)


def _print_results(client: Client, optimization_id: str, score: Score) -> None:
    results = client.call("GET", f"/optimizations/{optimization_id}/results")
    optimized, holdout = score.optimized, score.holdout
    tqdm.write(
        "   regret of the optimized arm: "
        f"{optimized.lost / optimized.lost_uniform:.0%} of what uniform allocation "
        "would lose; by day:"
    )
    tqdm.write("   " + " ".join(f"{regret:.0%}" for regret in score.daily_regret))
    best = max(VARIANTS, key=_average_true_rate)
    winner = max(results["variants"], key=lambda row: row["weight"])
    tqdm.write(f"   winner: {json.dumps(winner['variant'])}")
    tqdm.write(
        f"   expected rate {_format_expected_rate(winner)}, "
        f"truth {_average_true_rate(winner['variant']):.2%}; "
        f"the true best variant has {_average_true_rate(best):.2%}"
    )
    measured = results["primary_metric_vs_holdout"]
    if measured["lift_percent"] is None:
        tqdm.write(f"   measured lift withheld: {json.dumps(results['unavailable'])}")
        return
    low, high = measured["lift_ci_anytime"]
    optimized_rate = optimized.earned / optimized.visitors
    holdout_rate = holdout.earned / holdout.visitors
    true_lift = optimized_rate / holdout_rate - 1
    tqdm.write(
        f"   measured lift {measured['lift_percent']:+.1f}% [{low:+.1f}%, {high:+.1f}%], "
        f"truth {true_lift:+.1%}, over {measured['optimization_exposures']:,} optimized "
        f"and {measured['holdout_exposures']:,} holdout users"
    )


def _format_expected_rate(variant: Json) -> str:
    names = ("expected_reward_mean", "expected_reward_lo", "expected_reward_hi")
    mean, low, high = (variant[name] for name in names)
    return "withheld" if mean is None else f"{mean:.2%} [{low:.2%}, {high:.2%}]"


def _average_true_rate(variant: Json) -> float:
    return sum(
        share * compute_true_rate(variant, device) for device, share in DEVICES.items()
    )
