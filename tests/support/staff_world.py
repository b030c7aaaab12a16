"""Objects for tests of the admin: an organization with a live optimization."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from levered_site.organizations import api_keys
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.api_keys import KeySpec
from levered_site.organizations.models import ApiKey, Organization, StaffMembership
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
    """An organization with a metric, an optimization and an API key."""

    organization: Organization
    metric: Metric
    optimization: Optimization
    key: ApiKey


def make_superuser(username: str = "root", password: str | None = None) -> User:
    """Create a superuser, by default without a password, because hashing is slow."""
    return User.objects.create_superuser(username, password=password)


def make_member(
    organization: Organization, role: str, username: str = "clerk", **fields: Any
) -> User:
    """Create a staff user with a role in an organization, or one more role of theirs."""
    user = User.objects.filter(username=username).first()
    if user is None:
        user = User.objects.create_user(username, is_staff=True, **fields)
    StaffMembership.objects.create(organization=organization, user=user, role=role)
    return user


def make_metric(organization: Organization, name: str = "Purchases") -> Metric:
    """Create a metric that counts rewards named purchase."""
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
    """Return a factor as the API writes it."""
    return {
        "name": name,
        "dtype": "str",
        "levels": [{"id": value, "value": value} for value in values],
    }


def make_optimization(
    organization: Organization,
    reward: Metric,
    name: str = "Checkout",
    **extra_fields: Any,
) -> Optimization:
    """Create an optimization, live by default: 4 variants, one context factor."""
    config = {
        "reward": {"name": "purchase", "type": "bool"},
        "design_factors": [
            make_factor("headline", "Plain", "Bold"),
            make_factor("color", "Gray", "Green"),
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
        **extra_fields,
    }
    return lifecycle.create_optimization(organization.pk, SYSTEM_ACTOR, fields)


def make_world(name: str = "Acme") -> World:
    """Create an organization with a metric, a live optimization and a key."""
    organization = factories.make_organization(name)
    reward = make_metric(organization)
    key, _ = api_keys.create_key(organization.pk, KeySpec("backend"), SYSTEM_ACTOR)
    return World(organization, reward, make_optimization(organization, reward), key)


def record_decision(
    optimization: Optimization, anonymous_id: str, at: datetime | None = None
) -> Decision:
    """Create the assignment and the receipt of one decision."""
    decided_at = at or timezone.now()
    partitions.ensure_partitions("decisions", [decided_at.date()])
    variant = optimization.variants.get(number=1)
    decision_id = 2**62 + Decision.objects.count()  # 19 digits, as in production
    shared = {
        "optimization_id": optimization.pk,
        "anonymous_id": anonymous_id,
        "variant_number": 1,
        "in_holdout": False,
        "policy_version": 0,
        "propensity": 0.25,
        "decided_at": decided_at,
    }
    Assignment.objects.create(decision_id=decision_id, **shared)
    return Decision.objects.create(
        id=decision_id,
        organization_id=optimization.organization_id,
        variant=variant.variant_key,
        context='{"device":"mobile"}',
        **shared,
    )


def send_traffic(optimization: Optimization, visitors: int, seed: int = 7) -> None:
    """Ingest exposures of two days ago and rewards: Bold has the higher rate."""
    rng = random.Random(seed)  # noqa: S311 - a simulation, not a secret
    start = timezone.now() - timedelta(days=2)
    variants = list(optimization.variants.all())
    exposures, rewards = [], []
    for number in range(visitors):
        variant = rng.choice(variants)
        anonymous_id = f"visitor-{number}"
        exposed_at = start + timedelta(seconds=number)
        exposures.append(
            {
                "anonymous_id": anonymous_id,
                "optimization_id": str(optimization.pk),
                "variant": variant.levels,
                "context": {"device": rng.choice(["mobile", "desktop"])},
                "timestamp": exposed_at.isoformat(),
                "policy_version": 0,
            }
        )
        if rng.random() < (0.3 if variant.levels["headline"] == "Bold" else 0.1):
            rewarded_at = exposed_at + timedelta(minutes=5)
            rewards.append(
                {
                    "anonymous_id": anonymous_id,
                    "name": "purchase",
                    "timestamp": rewarded_at.isoformat(),
                }
            )
    organization_id = optimization.organization_id
    for first in range(0, len(exposures), 500):
        service.accept_exposures(organization_id, exposures[first : first + 500])
    for first in range(0, len(rewards), 500):
        service.accept_rewards(organization_id, rewards[first : first + 500])


def train_model(optimization: Optimization) -> TrainingRun:
    """Train the model in this process, as a worker would."""
    run = runs.request_training(optimization.model, requested_by="clock")
    run_training(run.pk)
    run.refresh_from_db()
    return run
