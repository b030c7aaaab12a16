"""The search for late rows stays quick where the planner knows nothing of the rows."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from optimizations import cube, late, look_back
from optimizations.models import CubeDay
from tests.optimizations import factories
from tests.warehouse import events
from tests.warehouse.reference import Reward, Touch
from warehouse.models import LateDay

pytestmark = pytest.mark.django_db(transaction=True)

A = '{"cta":false,"headline":"A"}'
PAIRED_BY_USER = re.compile(r"Join Filter: .*anonymous_id\b")


@pytest.mark.parametrize("users", [late.FEW // 2, late.FEW + 100])
def test_late_rows_and_touches_meet_by_hash_whatever_is_expected(users: int) -> None:
    optimization = factories.optimization(factories.organization())
    metric = optimization.reward_metric
    assert metric is not None
    who = (optimization.organization_id, str(optimization.pk))
    at = timezone.now() - timedelta(days=6)
    names = [f"u{n}" for n in range(users)]
    events.store(*who, [Touch("first", at, A, "{}", 0)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE managed_exposures, managed_rewards, decisions")
    events.store(*who, [Touch(name, at, A, "{}", 0) for name in names])
    cube.count(optimization, metric, timezone.now())
    CubeDay.objects.update(computed_at=F("computed_at") - 2 * look_back.MARGIN)
    LateDay.objects.all().delete()
    events.store(*who, [], [Reward(name, at + timedelta(hours=1)) for name in names])
    plans: list[str] = []

    with connection.execute_wrapper(_explaining(plans)):
        cube.count(optimization, metric, timezone.now())

    assert len(plans) == 1
    assert "Hash Join" in plans[0] or "Merge Join" in plans[0]
    assert not PAIRED_BY_USER.search(plans[0])
    observed = cube.read(optimization, metric)
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
