"""Days whose events were dropped keep their counts, whatever happens afterwards."""

from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from optimizations.models import CubeDay
from optimizations.training import schedule
from tests.support.cube_events import (
    count_users_by_day,
    days_ago,
    make_optimization_without_context,
)
from tests.support.first_touch_events import (
    age_everything,
    make_touch,
    refresh_cube,
    store_events,
)
from warehouse import partitions
from warehouse.models import KeptSince, ManagedExposure

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recent_partitions"),
]


def test_a_dropped_day_is_not_counted_again_from_events_sent_again() -> None:
    optimization = make_optimization_without_context()
    with override_settings(RETENTION_DAYS=10):
        store_events(
            optimization,
            [make_touch("ann", 8), make_touch("bob", 8), make_touch("cid", 4)],
        )
        before = refresh_cube(optimization)
        age_everything()
        schedule.maintain_partitions(timezone.now() + timedelta(days=3))
    store_events(optimization, [make_touch("ann", 8), make_touch("dan", 8)])

    after = [refresh_cube(optimization), refresh_cube(optimization, full=True)]

    assert ManagedExposure.objects.filter(timestamp_utc__lt=days_ago(7)).count() == 2
    assert count_users_by_day(before) == {days_ago(8).date(): 2, days_ago(4).date(): 1}
    assert [count_users_by_day(cube) for cube in after] == [
        count_users_by_day(before)
    ] * 2
    assert CubeDay.objects.get(day=days_ago(8).date()).computed_at < days_ago(0.01)


def test_the_oldest_retained_day_never_moves_back() -> None:
    before = partitions.load_oldest_retained_day()
    partitions.ensure_partitions(
        "managed_rewards", [days_ago(20).date(), days_ago(15).date()]
    )
    for back in (18, 19, 12):
        partitions.drop_partitions_before("managed_rewards", days_ago(back).date())

    assert before is None
    assert partitions.load_oldest_retained_day() == days_ago(14).date()
    assert KeptSince.objects.count() == 1
