"""Days whose events were dropped keep their counts, whatever is sent or set afterwards."""

from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import timezone

from optimizations.models import CubeDay
from optimizations.training import schedule
from tests.support.cube_counting import ago, settled, users_by_day
from tests.support.cube_remembering import refreshed, seen, store, time_passes
from warehouse import partitions
from warehouse.models import KeptSince, ManagedExposure

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_dropped_day_is_not_counted_from_what_was_sent_again() -> None:
    optimization = settled()
    with override_settings(RETENTION_DAYS=10):
        store(optimization, [seen("ann", 8), seen("bob", 8), seen("cid", 4)])
        before = refreshed(optimization)
        time_passes()
        schedule.keep_partitions(timezone.now() + timedelta(days=3))
    store(optimization, [seen("ann", 8), seen("dan", 8)])

    after = [refreshed(optimization), refreshed(optimization, full=True)]

    assert ManagedExposure.objects.filter(timestamp_utc__lt=ago(7)).count() == 2
    assert users_by_day(before) == {ago(8).date(): 2, ago(4).date(): 1}
    assert [users_by_day(each) for each in after] == [users_by_day(before)] * 2
    assert CubeDay.objects.get(day=ago(8).date()).computed_at < ago(0.01)


def test_since_when_events_are_kept_is_noted_once_and_never_taken_back() -> None:
    nothing = partitions.kept_since()
    partitions.ensure("managed_rewards", [ago(20).date(), ago(15).date()])
    for back in (18, 19, 12):
        partitions.drop_before("managed_rewards", ago(back).date())

    assert nothing is None
    assert partitions.kept_since() == ago(14).date()
    assert KeptSince.objects.count() == 1
