"""Optimizations, single events of past days sent through ingestion, and cube refreshes."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from optimizations.cube import first_touches, refresh
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization
from tests.support import optimization_factories, traffic
from warehouse.models import LateDay, ManagedExposure, ManagedReward


def make_optimization(**fields: Any) -> Optimization:
    """Make a live optimization without holdout."""
    return optimization_factories.make_optimization(
        optimization_factories.make_organization(),
        **({"holdout_percentage": 0} | fields),
    )


def make_optimization_without_context(**fields: Any) -> Optimization:
    """Make a live optimization without holdout and without context factors."""
    config = optimization_factories.make_config(context_factors=[])
    return optimization_factories.make_optimization(
        optimization_factories.make_organization(),
        holdout_percentage=0,
        training_data_config=config,
        **fields,
    )


def hour_of_day_back(back: int, hour: int = 10) -> datetime:
    """Return an hour of the day `back` days ago."""
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    return (now - timedelta(days=back)).replace(hour=hour)


def days_ago(days: float) -> datetime:
    """Return the moment so many days before now."""
    return timezone.now() - timedelta(days=days)


def refresh_cube(
    optimization: Optimization, as_of: datetime | None = None
) -> ObservationCube:
    """Refresh the cube as training does."""
    assert optimization.reward_metric is not None
    return refresh.refresh_cube(
        optimization, optimization.reward_metric, as_of or timezone.now()
    )


def refresh_cube_long_after(optimization: Optimization) -> ObservationCube:
    """Refresh the cube as if everything sent so far had arrived long ago."""
    for table in (ManagedExposure, ManagedReward):
        table.objects.update(
            created_at=F("created_at") - 2 * first_touches.LOOK_BACK_MARGIN
        )
    LateDay.objects.update(noted_at=F("noted_at") - 2 * first_touches.LOOK_BACK_MARGIN)
    return refresh_cube(optimization)


def send_exposure(
    optimization: Optimization, user: str, at: datetime, **fields: Any
) -> None:
    """Ingest one exposure."""
    event = traffic.build_exposure(
        optimization, user, timestamp=at.isoformat(), **fields
    )
    traffic.send_exposures(optimization, [event])


def send_purchase(optimization: Optimization, user: str, at: datetime) -> None:
    """Ingest one purchase."""
    event = traffic.build_reward(user, timestamp=at.isoformat())
    traffic.send_rewards(optimization, [event])


def count_users_by_day(cube: ObservationCube) -> dict[Any, int]:
    """Count users by day of first touch."""
    users: dict[Any, int] = {}
    for cell in cube.cells:
        users[cell.day] = users.get(cell.day, 0) + cell.users
    return users
