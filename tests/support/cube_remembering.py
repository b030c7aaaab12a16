"""Events kept as if they came long ago, and the counts that remember them."""

from collections.abc import Sequence

from django.db.models import F
from django.utils import timezone

from optimizations.cube import first_touches, refresh
from optimizations.cube.refresh import Observed
from optimizations.models import CubeDay, LookBack, Optimization
from tests.support import warehouse_events
from tests.support.cube_counting import ago
from tests.support.reference_cube import Reward, Touch
from warehouse.models import LateDay, ManagedExposure, ManagedReward

A = '{"cta":false,"headline":"A"}'


def store(
    optimization: Optimization, touches: Sequence[Touch], rewards: Sequence[Reward] = ()
) -> None:
    """Keep events as if they came now."""
    mine = str(optimization.pk)
    warehouse_events.store(optimization.organization_id, mine, touches, rewards)


def refreshed(optimization: Optimization, *, full: bool = False) -> Observed:
    """Count, as training does."""
    metric = optimization.reward_metric
    assert metric is not None
    return refresh.refresh(optimization, metric, timezone.now(), full=full)


def time_passes() -> None:
    """Let the last refresh be long ago, and what it saw have come long before it."""
    for table in (ManagedExposure, ManagedReward):
        table.objects.update(created_at=F("created_at") - 4 * first_touches.MARGIN)
    LateDay.objects.update(noted_at=F("noted_at") - 4 * first_touches.MARGIN)
    CubeDay.objects.update(computed_at=F("computed_at") - 2 * first_touches.MARGIN)
    LookBack.objects.update(kept_at=F("kept_at") - 2 * first_touches.MARGIN)


def seen(user: str, days: float, *, served: bool = False) -> Touch:
    """Show the baseline to a user so many days ago."""
    return Touch(user, ago(days), A, "{}", 0, served, False if served else None)
