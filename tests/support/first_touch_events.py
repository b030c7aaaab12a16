"""Events stored directly, made to look old, and cube refreshes over them."""

from collections.abc import Sequence

from django.db.models import F
from django.utils import timezone

from optimizations.cube import first_touches, refresh
from optimizations.cube.refresh import ObservationCube
from optimizations.models import CubeDay, LookBack, Optimization
from tests.support import warehouse_events
from tests.support.cube_events import days_ago
from tests.support.reference_cube import Reward, Touch
from warehouse.models import LateDay, ManagedExposure, ManagedReward

BASELINE_KEY = '{"cta":false,"headline":"A"}'


def store_events(
    optimization: Optimization, touches: Sequence[Touch], rewards: Sequence[Reward] = ()
) -> None:
    """Store events as if they arrived now."""
    warehouse_events.store_events(
        optimization.organization_id, str(optimization.pk), touches, rewards
    )


def refresh_cube(optimization: Optimization, *, full: bool = False) -> ObservationCube:
    """Refresh the cube as training does."""
    metric = optimization.reward_metric
    assert metric is not None
    return refresh.refresh_cube(optimization, metric, timezone.now(), full=full)


def age_everything() -> None:
    """Move the last refresh into the past, and what it read even further back."""
    for table in (ManagedExposure, ManagedReward):
        table.objects.update(
            created_at=F("created_at") - 4 * first_touches.LOOK_BACK_MARGIN
        )
    LateDay.objects.update(noted_at=F("noted_at") - 4 * first_touches.LOOK_BACK_MARGIN)
    CubeDay.objects.update(
        computed_at=F("computed_at") - 2 * first_touches.LOOK_BACK_MARGIN
    )
    LookBack.objects.update(kept_at=F("kept_at") - 2 * first_touches.LOOK_BACK_MARGIN)


def make_touch(user: str, days: float, *, served: bool = False) -> Touch:
    """Return a user's exposure to the baseline so many days ago."""
    return Touch(
        user, days_ago(days), BASELINE_KEY, "{}", 0, served, False if served else None
    )
