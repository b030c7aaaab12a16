"""A customer's own Postgres that changes: late rows, changed rows, another one, another source."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from metrics.models import AssignmentSource, Metric
from optimizations.cube import refresh
from optimizations.models import Optimization, Regime
from tests.support.factories import read_body, read_error
from tests.support.reference_cube import Reward, Touch
from tests.support.second_postgres import SecondServer
from tests.support.shop import METRIC, SOURCE, connect_warehouse, launch_optimization
from warehouse.models import Connection

pytestmark = pytest.mark.django_db(transaction=True)

KEY = '{"cta":false,"headline":"A"}'


def test_late_rows_open_sealed_days_again(second: SecondServer) -> None:
    _, made = launch_optimization(second)
    now = timezone.now()
    old = now - timedelta(days=6)
    key = '{"cta":false,"headline":"A"}'
    second.store(made["id"], [Touch("a", old, key, "{}", 0)])
    optimization = Optimization.objects.get(pk=made["id"])
    reward = Metric.objects.get()

    def refreshed(minutes: int) -> dict[str, Any]:
        found = refresh.refresh_cube(
            optimization, reward, now + timedelta(minutes=minutes)
        )
        return {
            "users": sum(cell.users for cell in found.cells),
            "converted": sum(cell.converted for cell in found.cells),
            "read": found.rows_read,
        }

    first, quiet = refreshed(0), refreshed(1)
    second.store(made["id"], [], [Reward("a", old + timedelta(hours=1))])
    rewarded, again = refreshed(2), refreshed(3)
    earlier = old - timedelta(days=2)
    second.store(made["id"], [Touch("a", earlier, key, "{}", 0)])
    moved = refreshed(4)

    assert first == {"users": 1, "converted": 0, "read": 1}
    assert (quiet["read"], again["read"]) == (0, 0)
    assert rewarded == {"users": 1, "converted": 1, "read": 1}
    assert moved == {"users": 1, "converted": 0, "read": 2}


def test_rows_changed_in_place_are_seen_by_a_full_refresh(second: SecondServer) -> None:
    alice, made = launch_optimization(second)
    old = timezone.now() - timedelta(days=6)
    keys = ('{"cta":false,"headline":"A"}', '{"cta":true,"headline":"B"}')
    second.store(made["id"], [Touch("a", old, keys[0], "{}", 0)])
    place = f"/optimizations/{made['id']}/results?refresh="
    alice.get(f"{place}true")
    with second.owner() as owner:
        owner.execute("UPDATE public.shown SET variant_text = %s", [keys[1]])

    found = [read_body(alice.get(f"{place}{each}")) for each in ("true", "full")]
    wrong = alice.get(f"{place}maybe")

    shown = [[one["exposures"] for one in each["variants"]] for each in found]
    assert shown == [[1, 0, 0, 0], [0, 0, 0, 1]]
    assert wrong.status_code == 400


def test_another_warehouse_begins_a_regime_and_a_new_password_does_not(
    second: SecondServer,
) -> None:
    alice, made = launch_optimization(second)

    connect_warehouse(alice, second)
    same = Regime.objects.filter(optimization=made["id"]).count()
    alice.delete("/warehouse/connections")
    reasons = Regime.objects.filter(optimization=made["id"]).order_by("number")

    assert same == 1
    assert [one.reason for one in reasons] == ["went live", "warehouse changed"]
    assert reasons[1].warehouse == "managed"
    assert not Connection.objects.exists()


def test_other_sql_in_its_source_begins_a_regime_and_another_name_does_not(
    second: SecondServer,
) -> None:
    alice, made = launch_optimization(second)
    place = f"/warehouse/assignment-sources/{AssignmentSource.objects.get().pk}"

    renamed = alice.patch(place, {"name": "shown"})
    same = Regime.objects.filter(optimization=made["id"]).count()
    changed = alice.patch(place, {"sql": f"{SOURCE['sql']} AND version <> 'x'"})
    other = alice.post(
        "/warehouse/assignment-sources", SOURCE | {"name": "other", "default": True}
    )
    reasons = Regime.objects.filter(optimization=made["id"]).order_by("number")

    answers = [renamed.status_code, changed.status_code, other.status_code]
    assert (answers, same) == ([200, 200, 201], 1)
    assert [one.reason for one in reasons] == ["went live", "assignment source changed"]


def test_columns_that_cannot_be_what_they_are_mapped_to_are_refused_when_saved(
    second: SecondServer,
) -> None:
    alice, _ = launch_optimization(second)
    place = f"/warehouse/assignment-sources/{AssignmentSource.objects.get().pk}"
    number = 'SELECT "user", 7 AS at FROM shop.orders'

    answers = [
        alice.patch(
            place,
            {
                "sql": "SELECT shown.*, 7 AS at FROM shown",
                "column_mapping": SOURCE["column_mapping"] | {"timestamp": "at"},
            },
        ),
        alice.post("/warehouse/metrics", METRIC | {"name": "other", "sql": number}),
    ]

    for answer in answers:
        problem = read_error(answer)["details"][0]
        assert answer.status_code == 400
        assert problem["field"] == "column_mapping"
        assert "timestamp must be a moment" in problem["message"]
    assert Metric.objects.count() == Regime.objects.count() == 1


def test_a_refused_change_of_its_source_begins_none(second: SecondServer) -> None:
    alice, _ = launch_optimization(second)
    place = f"/warehouse/assignment-sources/{AssignmentSource.objects.get().pk}"

    refused = alice.patch(place, {"sql": "SELECT 1 AS x"})

    assert refused.status_code == 400
    assert Regime.objects.count() == 1


def test_a_metric_before_it_is_saved_is_compared_with_the_sources_ids(
    second: SecondServer,
) -> None:
    alice, made = launch_optimization(second)
    at = timezone.now() - timedelta(days=1)
    bought = [Reward(user, at + timedelta(hours=1)) for user in ("a", "b", "c")]
    second.store(made["id"], [Touch("a", at, KEY, "{}", 0)], bought)
    unsaved = {"sql": METRIC["sql"], "column_mapping": METRIC["column_mapping"]}

    shown = read_body(alice.post("/warehouse/preview", unsaved))

    assert (shown["row_count"], round(shown["match_rate"], 2)) == (3, 0.33)
    assert shown["warnings"] == ["Only 33% of 3 ids match an exposure."]
    assert Metric.objects.count() == 1


def test_the_latest_touches_of_a_connected_warehouse_are_withheld_with_a_reason(
    second: SecondServer,
) -> None:
    alice, made = launch_optimization(second)

    refused = alice.get(f"/optimizations/{made['id']}/observations?raw=true")

    assert refused.status_code == 409
    assert "managed warehouse alone" in read_error(refused)["message"]
