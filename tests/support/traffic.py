"""Simulated visitors with known reward rates, sent through ingestion."""

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

BATCH_SIZE = 500
VISIT_HOURS = 20.0  # visitors come evenly over these hours


def build_exposure(optimization: Optimization, user: str, **fields: Any) -> Json:
    """Build an exposure of the baseline; `fields` override or add fields."""
    design_factors = optimization.model.training_data_config["design_factors"]
    return {
        "anonymous_id": user,
        "optimization_id": str(optimization.pk),
        "variant": factors.list_combinations(design_factors)[0],
        **fields,
    }


def build_reward(user: str, **fields: Any) -> Json:
    """Build a reward named `purchase`; `fields` override or add fields."""
    return {"anonymous_id": user, "name": "purchase", **fields}


def send_exposures(optimization: Optimization, events: Sequence[Json]) -> None:
    """Ingest exposures in batches; all must be accepted."""
    for start in range(0, len(events), BATCH_SIZE):
        batch = list(events[start : start + BATCH_SIZE])
        result = service.accept_exposures(optimization.organization_id, batch)
        assert result.accepted == len(batch), result


def send_rewards(optimization: Optimization, events: Sequence[Json]) -> None:
    """Ingest rewards in batches; all must be accepted."""
    for start in range(0, len(events), BATCH_SIZE):
        batch = list(events[start : start + BATCH_SIZE])
        result = service.accept_rewards(optimization.organization_id, batch)
        assert result.accepted == len(batch), result


def _build_plain_purchase(rng: random.Random, variant: Json) -> Json:
    """Return no fields: a purchase without a value or properties."""
    del rng, variant
    return {}


def _find_user_name(
    optimization: Optimization, stem: str, row: Floats, target_index: int | None
) -> str:
    """Find a name for which the service draws this variant; None means the holdout."""
    key, number = str(optimization.pk), optimization.model.policy_version
    threshold = snapshot.compute_holdout_threshold(optimization.holdout_percentage)
    for attempt in count():
        name = f"{stem}-{attempt}"
        if decision.is_in_holdout(key, name, threshold):
            index = None
        else:
            index = allocation.choose_variant(
                row, allocation.hash_to_uniform(key, name, number)
            )
        if index == target_index:
            return name
    raise AssertionError("counting has no end")


def simulate_visitors(
    optimization: Optimization,
    start: datetime,
    users: int,
    truth: Truth,
    *,
    seed: int = 0,
    purchase: Purchase = _build_plain_purchase,
) -> None:
    """Send exposures of simulated visitors, and their purchases.

    The current policy decides each visitor's variant. Each visitor is exposed once,
    evenly over VISIT_HOURS from `start`. `truth` returns the probability to buy half an
    hour later, from variant and context; `purchase` returns the fields of that reward.

    A seed gives the same counts whatever the optimization's id: it draws arms and
    variants, and each visitor gets a name for which the service decides the same.
    """
    rng = random.Random(seed)  # noqa: S311 - traffic, not secrets
    config = optimization.model.training_data_config
    contexts = factors.parse_context_factors(config)
    combinations = factors.list_combinations(config["design_factors"])
    table = versions.read_table(versions.get_serving_version(optimization.model))
    exposures, rewards = [], []
    for visitor in range(users):
        context = {factor.name: rng.choice(factor.levels) for factor in contexts}
        row = allocation.accumulate_probabilities(
            table[factors.resolve_context(contexts, context).cell_index]
        )
        seen_at = start + timedelta(hours=VISIT_HOURS * visitor / users)
        is_in_holdout = rng.random() < optimization.holdout_percentage / 100
        drawn_index = allocation.choose_variant(row, rng.random())
        variant = combinations[0 if is_in_holdout else drawn_index]
        user = _find_user_name(
            optimization,
            f"{start:%m%d%H}-{seed}-{visitor}",
            row,
            None if is_in_holdout else drawn_index,
        )
        exposures.append(
            build_exposure(
                optimization,
                user,
                variant=variant,
                context=context,
                timestamp=seen_at.isoformat(),
                policy_version=optimization.model.policy_version,
            )
        )
        if rng.random() < truth(variant, context):
            bought_at = (seen_at + timedelta(minutes=30)).isoformat()
            fields = purchase(rng, variant)
            rewards.append(build_reward(user, timestamp=bought_at, **fields))
    send_exposures(optimization, exposures)
    send_rewards(optimization, rewards)
