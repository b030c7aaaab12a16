"""The clock's intervals: they pass, and a clock that was set back stops nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone

from levered_site.celery import Interval, app

INTERVAL = Interval(timedelta(seconds=30), app=app)


@pytest.mark.parametrize(
    ("last_run", "is_due"),
    [
        (timedelta(seconds=-31), True),
        (timedelta(seconds=-5), False),
        (timedelta(days=1), True),
        (timedelta(days=400), True),
    ],
)
def test_a_task_is_due_after_its_interval_or_a_run_in_the_future(
    last_run: timedelta, *, is_due: bool
) -> None:
    state = INTERVAL.is_due(timezone.now() + last_run)

    assert state.is_due is is_due
    assert 0 < state.next <= 30


def test_every_task_of_the_schedule_has_such_an_interval() -> None:
    entries = app.conf.beat_schedule.values()

    assert entries
    assert all(isinstance(entry["schedule"], Interval) for entry in entries)
