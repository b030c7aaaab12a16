"""Days with late events are noted, so that a search for them reads little."""

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from levered_site.database import fetch_row
from levered_site.errors import ForbiddenError
from optimizations.models import Optimization
from tests.support import optimization_factories, traffic
from warehouse import write_log
from warehouse.models import LateDay, ManagedExposure

pytestmark = pytest.mark.django_db(transaction=True)

SEARCH = (
    "SELECT count(*) AS rows FROM managed_exposures WHERE created_at >= %(since)s AND "
)


def ago(**span: float) -> datetime:
    """Return a moment before now."""
    return timezone.now() - timedelta(**span)


def send(optimization: Optimization, *moments: datetime) -> None:
    """Send an exposure of each moment."""
    traffic.send_exposures(
        optimization,
        [
            traffic.build_exposure(optimization, f"u{n}", timestamp=at.isoformat())
            for n, at in enumerate(moments)
        ],
    )


def search(since: datetime) -> tuple[int, set[str]]:
    """Return the number of rows found, and the past days whose partitions are read."""
    text, values = write_log.build_created_since_condition(
        LateDay.objects.get().organization_id, since
    )
    values |= {"since": since}
    with connection.cursor() as cursor:
        cursor.execute(SEARCH + text, values)
        rows = fetch_row(cursor).rows
        cursor.execute("EXPLAIN " + SEARCH + text, values)
        plan = "\n".join(str(row) for row in cursor.fetchall())
    names = set(re.findall(r"managed_exposures_(\d{8})\b", plan))
    return rows, {name for name in names if name < f"{ago(days=2):%Y%m%d}"}


def test_only_a_late_event_is_noted() -> None:
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


def test_a_refused_batch_notes_nothing() -> None:
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


def test_a_search_finds_late_rows_and_reads_only_their_days() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    send(optimization, *(ago(days=back) for back in range(30)))
    LateDay.objects.all().delete()
    ManagedExposure.objects.update(created_at=F("created_at") - timedelta(days=1))
    send(optimization, ago(days=20), ago(hours=1))

    rows, days = search(ago(minutes=5))

    assert (rows, days) == (2, {f"{ago(days=20):%Y%m%d}"})
