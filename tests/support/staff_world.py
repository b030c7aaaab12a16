"""A small world for the staff pages: an optimization with traffic, learning and people."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from levered_site.organizations import api_keys
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import ApiKey, Organization
from metrics.models import Metric
from models_app import runs
from models_app.models import TrainingRun
from optimizations.configuration import lifecycle
from optimizations.ingestion import service
from optimizations.models import Assignment, Decision, Optimization
from optimizations.training.run import run_training
from tests.support import factories
from warehouse import partitions

PASSWORD = "a long and winding password"


@dataclass(frozen=True, slots=True)
class World:
    """One organization with one of everything."""

    organization: Organization
    metric: Metric
    optimization: Optimization
    key: ApiKey


def make_superuser(username: str = "root", password: str | None = None) -> User:
    """Make a member of staff who may do everything; hashing a password takes long."""
    return User.objects.create_superuser(username, password=password)


def make_metric(organization: Organization, name: str = "Purchases") -> Metric:
    """Make a metric that counts rewards called purchase."""
    return Metric.objects.create(
        organization=organization,
        name=name,
        sql="SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards"
        " WHERE name = 'purchase' AND timestamp_utc >= @start_date",
        column_mapping={
            "anonymous_id": "anonymous_id",
            "timestamp": "timestamp_utc",
            "reward_type": "bool",
        },
    )


def make_factor(name: str, *values: str) -> dict[str, Any]:
    """Write a factor as the contract does."""
    return {
        "name": name,
        "dtype": "str",
        "levels": [{"id": value, "value": value} for value in values],
    }


def make_optimization(
    organization: Organization, reward: Metric, name: str = "Checkout", **more: Any
) -> Optimization:
    """Create a live optimization: 4 variants, one context factor."""
    config = {
        "reward": {"name": "purchase", "type": "bool"},
        "design_factors": [
            make_factor("headline", "Plain", "Bold"),
            make_factor("colour", "Grey", "Green"),
        ],
        "context_factors": [make_factor("device", "mobile", "desktop")],
        "attribution": {
            "type": "last_touch",
            "conversion_window_hours": 24,
            "horizon_hours": 24,
        },
    }
    fields = {
        "name": name,
        "training_data_config": config,
        "reward_metric_id": reward.pk,
        **more,
    }
    return lifecycle.create_optimization(organization.pk, SYSTEM_ACTOR, fields)


def make_world(name: str = "Acme") -> World:
    """Make an organization with a metric, a live optimization and a key."""
    team = factories.make_organization(name)
    reward = make_metric(team)
    key, _ = api_keys.create_key(team.pk, "backend", SYSTEM_ACTOR)
    return World(team, reward, make_optimization(team, reward), key)


def record_decision(
    found: Optimization, anonymous_id: str, at: datetime | None = None
) -> Decision:
    """Write the lock and the receipt of one decision."""
    moment = at or timezone.now()
    partitions.ensure_partitions("decisions", [moment.date()])
    variant = found.variants.get(number=1)
    number = 2**62 + Decision.objects.count()  # as long as those that serving draws
    shared = {
        "optimization_id": found.pk,
        "anonymous_id": anonymous_id,
        "variant_number": 1,
        "in_holdout": False,
        "policy_version": 0,
        "propensity": 0.25,
        "decided_at": moment,
    }
    Assignment.objects.create(decision_id=number, **shared)
    return Decision.objects.create(
        id=number,
        organization_id=found.organization_id,
        variant=variant.variant_key,
        context='{"device":"mobile"}',
        **shared,
    )


def send_traffic(found: Optimization, visitors: int, seed: int = 7) -> None:
    """Send in exposures of two days ago and rewards: Bold sells better."""
    rng = random.Random(seed)  # noqa: S311 - a simulation, not a secret
    then = timezone.now() - timedelta(days=2)
    variants = list(found.variants.all())
    exposures, rewards = [], []
    for number in range(visitors):
        variant = rng.choice(variants)
        who, at = f"visitor-{number}", then + timedelta(seconds=number)
        exposures.append(
            {
                "anonymous_id": who,
                "optimization_id": str(found.pk),
                "variant": variant.levels,
                "context": {"device": rng.choice(["mobile", "desktop"])},
                "timestamp": at.isoformat(),
                "policy_version": 0,
            }
        )
        if rng.random() < (0.3 if variant.levels["headline"] == "Bold" else 0.1):
            later = at + timedelta(minutes=5)
            rewards.append(
                {
                    "anonymous_id": who,
                    "name": "purchase",
                    "timestamp": later.isoformat(),
                }
            )
    for start in range(0, len(exposures), 500):
        service.accept_exposures(found.organization_id, exposures[start : start + 500])
    for start in range(0, len(rewards), 500):
        service.accept_rewards(found.organization_id, rewards[start : start + 500])


def train_model(found: Optimization) -> TrainingRun:
    """Train as a worker would, here and now."""
    run = runs.request_training(found.model, requested_by="clock")
    run_training(run.pk)
    run.refresh_from_db()
    return run
