"""Days that events came late for are noted, so that a search for them reads little."""

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from levered_site.errors import ForbiddenError
from optimizations.models import Optimization
from tests.support import optimization_factories, traffic
from warehouse import write_log
from warehouse.models import LateDay, ManagedExposure

pytestmark = pytest.mark.django_db(transaction=True)

SEARCH = "SELECT count(*) FROM managed_exposures WHERE created_at >= %(since)s AND "


def ago(**span: float) -> datetime:
    """Name a moment before now."""
    return timezone.now() - timedelta(**span)


def send(optimization: Optimization, *moments: datetime) -> None:
    """Send in an exposure of each moment."""
    traffic.send_exposures(
        optimization,
        [
            traffic.build_exposure(optimization, f"u{n}", timestamp=at.isoformat())
            for n, at in enumerate(moments)
        ],
    )


def searched(since: datetime) -> tuple[int, set[str]]:
    """Rows found by the condition, and the past days' partitions that the planner left in."""
    text, values = write_log.build_created_since_condition(
        LateDay.objects.get().organization_id, since
    )
    values |= {"since": since}
    with connection.cursor() as cursor:
        cursor.execute(SEARCH + text, values)
        (found,) = cursor.fetchone()
        cursor.execute("EXPLAIN " + SEARCH + text, values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    names = set(re.findall(r"managed_exposures_(\d{8})\b", plan))
    return found, {name for name in names if name < f"{ago(days=2):%Y%m%d}"}


def test_an_event_of_a_past_day_is_noted_and_one_on_time_is_not() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )

    send(optimization, ago(days=9), ago(days=9), ago(hours=11))
    traffic.send_rewards(
        optimization, [traffic.build_reward("u1", timestamp=ago(days=7).isoformat())]
    )

    noted = LateDay.objects.values_list("organization_id", "day")
    assert sorted(noted) == [
        (optimization.organization_id, ago(days=back).date()) for back in (9, 7)
    ]


def test_a_batch_that_is_refused_notes_nothing() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    stranger = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    event = traffic.build_exposure(stranger, "u1", timestamp=ago(days=9).isoformat())

    with pytest.raises(ForbiddenError):
        traffic.send_exposures(optimization, [event])

    assert not LateDay.objects.exists()


def test_a_search_finds_late_rows_and_reads_their_days_alone() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    send(optimization, *(ago(days=back) for back in range(30)))
    LateDay.objects.all().delete()
    ManagedExposure.objects.update(created_at=F("created_at") - timedelta(days=1))
    send(optimization, ago(days=20), ago(hours=1))

    found, days = searched(ago(minutes=5))

    assert (found, days) == (2, {f"{ago(days=20):%Y%m%d}"})
