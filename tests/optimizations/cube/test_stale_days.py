"""The search for late rows stays quick where the planner knows nothing of the rows."""

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
def test_late_rows_and_touches_meet_by_hash_whatever_is_expected(users: int) -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    metric = optimization.reward_metric
    assert metric is not None
    who = (optimization.organization_id, str(optimization.pk))
    at = timezone.now() - timedelta(days=6)
    names = [f"u{n}" for n in range(users)]
    warehouse_events.store_events(*who, [Touch("first", at, A, "{}", 0)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE managed_exposures, managed_rewards, decisions")
    warehouse_events.store_events(*who, [Touch(name, at, A, "{}", 0) for name in names])
    refresh.count_open_days(optimization, metric, timezone.now())
    CubeDay.objects.update(
        computed_at=F("computed_at") - 2 * first_touches.LOOK_BACK_MARGIN
    )
    LateDay.objects.all().delete()
    warehouse_events.store_events(
        *who, [], [Reward(name, at + timedelta(hours=1)) for name in names]
    )
    plans: list[str] = []

    with connection.execute_wrapper(_explaining(plans)):
        refresh.count_open_days(optimization, metric, timezone.now())

    assert len(plans) == 1
    assert "Hash Join" in plans[0] or "Merge Join" in plans[0]
    assert not PAIRED_BY_USER.search(plans[0])
    observed = refresh.load_cube(optimization, metric)
    assert sum(cell.converted for cell in observed.cells) == users


def _explaining(plans: list[str]) -> Callable[..., Any]:
    """Note the plan of the search for sealed days, as it is about to run."""

    def explain(
        execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any
    ) -> Any:
        if "touches AS" in sql and "late AS" in sql:
            execute(f"EXPLAIN {sql}", parameters, many, context)
            rows = context["cursor"].fetchall()
            plans.append("\n".join(line for (line,) in rows))
        return execute(sql, parameters, many, context)

    return explain
