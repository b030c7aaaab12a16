"""A trained optimization with months of counts, written through the storage code."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from django.core.management import call_command
from django.utils import timezone

from benchmarks.results import drawn_days
from benchmarks.results.drawn_days import Traffic
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import Organization
from metrics.models import Metric
from models_app import runs
from models_app.models import TrainingRun
from optimizations.configuration import lifecycle
from optimizations.cube import specification, storage
from optimizations.cube.storage import StoredDay
from optimizations.models import CubeDay, Optimization, PublishedDay
from optimizations.training.run import run_training

ORGANIZATION = "org_bench"
SQL = "SELECT anonymous_id, timestamp_utc{} FROM managed_dw.rewards"
ATTRIBUTION = {
    "type": "last_touch",
    "conversion_window_hours": 24,
    "horizon_hours": 24,
}
AGE_OF_LAST_DAY = 5  # days; so old that all days are sealed
SEED = 20260301


@dataclass(frozen=True, slots=True)
class WorldSize:
    """Levels of each factor, and the traffic.

    A context factor has two of its levels without being given them: 'other' and
    'missing'. `kind` is the reward type: `bool` or `numeric`.
    """

    variants: list[int]
    contexts: list[int]
    days: int
    users: int
    kind: str


def build_world(size: WorldSize) -> dict[str, Any]:
    """Migrate, store the days of a reward and of a guardrail metric, and train.

    Return the optimization's id and the number of cells of the reward metric.
    """
    call_command("migrate", verbosity=0)
    organization = Organization.objects.create(pk=ORGANIZATION, name="bench")
    reward, guardrail = (
        _create_metric(organization, kind) for kind in (size.kind, "bool")
    )
    optimization = _create_optimization(reward, guardrail, size)
    first_day = timezone.now().date() - timedelta(days=size.days + AGE_OF_LAST_DAY)
    _move_launch(optimization, first_day)
    days = [first_day + timedelta(days=number) for number in range(size.days)]
    cells = [
        _store_days(optimization, metric, days, size) for metric in (reward, guardrail)
    ]
    _train_model(optimization)
    _publish_days(optimization, days)
    return {"optimization": str(optimization.pk), "cells": cells[0]}


def _create_metric(organization: Organization, kind: str) -> Metric:
    mapping = {"anonymous_id": "anonymous_id", "timestamp": "timestamp_utc"}
    is_numeric = kind == "numeric"
    return Metric.objects.create(
        organization=organization,
        name=f"{kind} purchases",
        sql=SQL.format(", value" if is_numeric else ""),
        column_mapping={
            **mapping,
            **({"value": "value"} if is_numeric else {}),
            "reward_type": kind,
        },
    )


def _create_optimization(
    reward: Metric, guardrail: Metric, size: WorldSize
) -> Optimization:
    config = {
        "reward": {"name": "purchase", "type": reward.reward_type},
        "design_factors": [
            _build_factor(f"design {place}", count)
            for place, count in enumerate(size.variants)
        ],
        "context_factors": [
            _build_factor(f"context {place}", count - 2)
            for place, count in enumerate(size.contexts)
        ],
        "attribution": ATTRIBUTION,
    }
    fields = {
        "name": "bench",
        "reward_metric_id": reward.pk,
        "guardrail_metric_ids": [guardrail.pk],
        "training_data_config": config,
        "holdout_percentage": 100 * drawn_days.HOLDOUT_SHARE,
    }
    return lifecycle.create_optimization(ORGANIZATION, SYSTEM_ACTOR, fields)


def _build_factor(name: str, count: int) -> dict[str, Any]:
    levels = [f"level {number}" for number in range(count)]
    ids = [{"id": level, "value": level} for level in levels]
    return {"name": name, "dtype": "str", "levels": ids}


def _move_launch(optimization: Optimization, day: date) -> None:
    optimization.went_live_at = datetime.combine(day, datetime.min.time(), UTC)
    optimization.save(update_fields=["went_live_at"])
    optimization.regimes.update(starts_at=optimization.went_live_at)


def _store_days(
    optimization: Optimization, metric: Metric, days: list[date], size: WorldSize
) -> int:
    """Store sealed days of random counts; return the number of cells."""
    rng = np.random.default_rng(SEED)
    traffic = Traffic(
        variants=int(np.prod(size.variants)),
        contexts=int(np.prod(size.contexts)),
        users=size.users / len(days),
    )
    now = timezone.now()
    spec = specification.build_cube_spec(optimization, metric, now)
    fingerprint = storage.compute_fingerprint(spec)
    count = 0
    for day in days:
        cells = drawn_days.draw_cells(rng, day, traffic, metric.reward_type)
        count += len(cells)
        stored_day = StoredDay(day, cells, (0,) * 32, 0, 0, fingerprint)
        CubeDay.objects.create(
            optimization=optimization,
            metric=metric,
            day=day,
            sealed=True,
            computed_at=now,
            cells=storage.encode_day(stored_day),
        )
    return count


def _train_model(optimization: Optimization) -> None:
    run = runs.request_training(optimization.model, requested_by="bench")
    run_training(run.pk)
    run.refresh_from_db()
    assert run.status == TrainingRun.Status.SUCCEEDED, run.error


def _publish_days(optimization: Optimization, days: list[date]) -> None:
    """Repeat what the training published today on each of the days."""
    published = optimization.published_days.get()
    PublishedDay.objects.bulk_create(
        PublishedDay(
            optimization=optimization,
            day=day,
            figures=published.figures,
            published_at=published.published_at,
        )
        for day in days
    )
