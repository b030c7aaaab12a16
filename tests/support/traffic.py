"""Simulated visitors with a known truth, sent through ingestion as a client would."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from models_app import versions
from models_app.bandit.design.design import Floats
from models_app.bandit.policy import allocation
from optimizations import factors
from optimizations.ingestion import service
from optimizations.models import Optimization
from optimizations.serving import decision, snapshot

Json = dict[str, Any]
Truth = Callable[[Json, Json], float]
Purchase = Callable[[random.Random, Json], Json]


def build_exposure(optimization: Optimization, user: str, **fields: Any) -> Json:
    """Make an exposure of the baseline, unless told otherwise."""
    design = optimization.model.training_data_config["design_factors"]
    return {
        "anonymous_id": user,
        "optimization_id": str(optimization.pk),
        "variant": factors.list_combinations(design)[0],
        **fields,
    }


def build_reward(user: str, **fields: Any) -> Json:
    """Make a purchase."""
    return {"anonymous_id": user, "name": "purchase", **fields}


def send_exposures(optimization: Optimization, events: Sequence[Json]) -> None:
    """Ingest exposures in batches; all must be kept."""
    for start in range(0, len(events), 500):
        batch = list(events[start : start + 500])
        kept = service.accept_exposures(optimization.organization_id, batch)
        assert kept.accepted == len(batch), kept


def send_rewards(optimization: Optimization, events: Sequence[Json]) -> None:
    """Ingest rewards in batches; all must be kept."""
    for start in range(0, len(events), 500):
        batch = list(events[start : start + 500])
        kept = service.accept_rewards(optimization.organization_id, batch)
        assert kept.accepted == len(batch), kept


def _empty_purchase(rng: random.Random, variant: Json) -> Json:
    """Buy without saying what or for how much."""
    del rng, variant
    return {}


def _find_user_name(
    optimization: Optimization, stem: str, row: Floats, wanted: int | None
) -> str:
    """Find a name for which the contract draws what is wanted; None: the holdout."""
    key, number = str(optimization.pk), optimization.model.policy_version
    threshold = snapshot.compute_holdout_threshold(optimization.holdout_percentage)
    for turn in count():
        name = f"{stem}-{turn}"
        if decision.is_in_holdout(key, name, threshold):
            found = None
        else:
            found = allocation.choose_variant(
                row, allocation.hash_to_uniform(key, name, number)
            )
        if found == wanted:
            return name
    raise AssertionError("counting has no end")


def simulate_visitors(  # noqa: PLR0913 - the first four; the rest by name
    optimization: Optimization,
    start: datetime,
    users: int,
    truth: Truth,
    *,
    hours: float = 20.0,
    seed: int = 0,
    purchase: Purchase = _empty_purchase,
) -> None:
    """Send a stretch of visitors, decided by the policy in force, and their purchases.

    Each visitor is exposed once, evenly over `hours` from `start`; `truth` gives the
    probability to buy half an hour later, from variant and context, `purchase` the
    fields that the reward then has. A seed gives the same counts whatever the
    optimization's id: arms and variants are drawn by it, and each visitor gets a name
    for which the contract decides the same.
    """
    rng = random.Random(seed)  # noqa: S311 - traffic, not secrets
    config = optimization.model.training_data_config
    contexts = factors.parse_context_factors(config)
    combinations = factors.list_combinations(config["design_factors"])
    table = versions.read_table(versions.get_serving_version(optimization.model))
    number = optimization.model.policy_version
    exposures, rewards = [], []
    for each in range(users):
        context = {factor.name: rng.choice(factor.levels) for factor in contexts}
        row = allocation.accumulate_probabilities(
            table[factors.resolve_context(contexts, context).segment]
        )
        at = start + timedelta(hours=hours * each / users)
        held = rng.random() < optimization.holdout_percentage / 100
        drawn = allocation.choose_variant(row, rng.random())
        variant = combinations[0 if held else drawn]
        wanted = None if held else drawn
        user = _find_user_name(
            optimization, f"{start:%m%d%H}-{seed}-{each}", row, wanted
        )
        exposures.append(
            build_exposure(
                optimization,
                user,
                variant=variant,
                context=context,
                timestamp=at.isoformat(),
                policy_version=number,
            )
        )
        if rng.random() < truth(variant, context):
            later = at + timedelta(minutes=30)
            bought = purchase(rng, variant)
            rewards.append(build_reward(user, timestamp=later.isoformat(), **bought))
    send_exposures(optimization, exposures)
    send_rewards(optimization, rewards)
