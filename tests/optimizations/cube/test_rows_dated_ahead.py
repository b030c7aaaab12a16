"""A count sees no row dated after its moment, also where a metric combines rows."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from metrics import preview
from optimizations.cube import refresh
from optimizations.models import Optimization
from tests.support import traffic
from tests.support.optimization_factories import (
    make_metric,
    make_optimization,
    make_organization,
)

pytestmark = pytest.mark.django_db(transaction=True)

COMBINING = {
    "aggregate": """SELECT anonymous_id, max(timestamp_utc) AS timestamp_utc
      FROM managed_dw.rewards GROUP BY 1 HAVING count(*) >= 2""",
    "window function": """SELECT anonymous_id, timestamp_utc FROM (
      SELECT anonymous_id, timestamp_utc,
             row_number() OVER (PARTITION BY anonymous_id ORDER BY timestamp_utc DESC) AS n
      FROM managed_dw.rewards WHERE timestamp_utc >= @start_date) AS r WHERE n = 1""",
    "subquery": """SELECT r.anonymous_id, r.timestamp_utc FROM managed_dw.rewards AS r
      WHERE NOT EXISTS (SELECT 1 FROM managed_dw.rewards AS later
        WHERE later.anonymous_id = r.anonymous_id AND later.timestamp_utc > r.timestamp_utc)""",
    "exposures": """SELECT r.anonymous_id, r.timestamp_utc FROM managed_dw.rewards AS r
      WHERE NOT EXISTS (SELECT 1 FROM managed_dw.exposures AS later
        WHERE later.anonymous_id = r.anonymous_id AND later.timestamp_utc > r.timestamp_utc)""",
}
AHEAD = timedelta(hours=12)  # ingestion takes a day


def make_visitor(sql: str, now: datetime) -> Optimization:
    """Make a visitor who bought one and two hours ago, and once more 12 hours ahead."""
    organization = make_organization()
    optimization = make_optimization(
        organization, reward_metric_id=make_metric(organization, sql=sql).pk
    )
    context = {"device": "mobile"}
    exposures = [
        traffic.build_exposure(
            optimization, "visitor", context=context, timestamp=at.isoformat()
        )
        for at in (now - timedelta(hours=3), now + AHEAD)
    ]
    times = (now - timedelta(hours=2), now - timedelta(hours=1), now + AHEAD)
    traffic.send_exposures(optimization, exposures)
    traffic.send_rewards(
        optimization,
        [traffic.build_reward("visitor", timestamp=at.isoformat()) for at in times],
    )
    return optimization


def count_converted(optimization: Optimization, as_of: datetime) -> int:
    """Return how many users converted, as counted at that moment."""
    metric = optimization.reward_metric
    assert metric is not None
    cube = refresh.refresh_cube(optimization, metric, as_of)
    return int(cube.arrays.converted.sum())


@pytest.mark.parametrize("sql", COMBINING.values(), ids=COMBINING.keys())
def test_a_row_dated_ahead_hides_no_earlier_one(sql: str) -> None:
    now = timezone.now()
    optimization = make_visitor(sql, now)

    assert count_converted(optimization, now) == 1


def test_a_count_as_of_an_earlier_moment_sees_what_was_dated_until_then() -> None:
    now = timezone.now()
    optimization = make_visitor(COMBINING["aggregate"], now)

    as_of = now - timedelta(minutes=90)  # one purchase is too few

    assert count_converted(optimization, as_of) == 0
    assert count_converted(optimization, now) == 1


def test_a_preview_shows_the_rows_dated_ahead_and_warns() -> None:
    now = timezone.now()
    optimization = make_visitor(
        "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards", now
    )
    metric = optimization.reward_metric
    assert metric is not None

    shown = preview.preview_metric(metric, 10)

    assert len(shown.rows) == 3
    assert any("future" in warning for warning in shown.warnings)
