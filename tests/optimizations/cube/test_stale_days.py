"""The search for late rows stays fast where the planner has no statistics."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from optimizations.cube import first_touches, refresh, stale_days_managed
from optimizations.models import CubeDay
from tests.support import optimization_factories, warehouse_events
from tests.support.reference_cube import Reward, Touch
from warehouse.models import LateDay

pytestmark = pytest.mark.django_db(transaction=True)

A = '{"cta":false,"headline":"A"}'
PAIRED_BY_USER = re.compile(r"Join Filter: .*anonymous_id\b")


@pytest.mark.parametrize(
    "users",
    [
        stale_days_managed.MAX_INDEXED_USERS // 2,
        stale_days_managed.MAX_INDEXED_USERS + 100,
    ],
)
def test_late_rows_and_touches_are_not_joined_by_nested_loops(users: int) -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    metric = optimization.reward_metric
    assert metric is not None
    owner = (optimization.organization_id, str(optimization.pk))
    at = timezone.now() - timedelta(days=6)
    names = [f"u{n}" for n in range(users)]
    warehouse_events.store_events(*owner, [Touch("first", at, A, "{}", 0)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE managed_exposures, managed_rewards, decisions")
    warehouse_events.store_events(
        *owner, [Touch(name, at, A, "{}", 0) for name in names]
    )
    refresh.count_open_days(optimization, metric, timezone.now())
    CubeDay.objects.update(
        computed_at=F("computed_at") - 2 * first_touches.LOOK_BACK_MARGIN
    )
    LateDay.objects.all().delete()
    warehouse_events.store_events(
        *owner, [], [Reward(name, at + timedelta(hours=1)) for name in names]
    )
    plans: list[str] = []

    with connection.execute_wrapper(_collect_plans(plans)):
        refresh.count_open_days(optimization, metric, timezone.now())

    assert len(plans) == 1
    assert "Hash Join" in plans[0] or "Merge Join" in plans[0]
    assert not PAIRED_BY_USER.search(plans[0])
    cube = refresh.load_cube(optimization, metric)
    assert sum(cell.converted for cell in cube.cells) == users


def _collect_plans(plans: list[str]) -> Callable[..., Any]:
    """Return a wrapper that explains the search for late rows before it runs."""

    def explain(
        execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any
    ) -> Any:
        if "touches AS" in sql and "late AS" in sql:
            execute(f"EXPLAIN {sql}", parameters, many, context)
            rows = context["cursor"].fetchall()
            plans.append("\n".join(line for (line,) in rows))
        return execute(sql, parameters, many, context)

    return explain
