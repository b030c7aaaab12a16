"""Lists of the admin: each opens, is searched, and stays quick however long it is."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from levered_site.admin import partitioned
from tests.support import admin_forms, staff_world

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", admin_forms.EVERY_LIST)
def test_every_list_opens_and_searches(staff: Client, name: str) -> None:
    """With objects in them, and with search terms that match nothing."""
    world = staff_world.make_world()
    staff_world.record_decision(world.optimization, "visitor-1")
    path = reverse(f"admin:{name}_changelist")

    answers = [
        staff.get(path),
        staff.get(path, {"q": "nothing like it"}),
        staff.get(path, {"q": str(uuid4())}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_a_list_that_takes_too_long_redirects_to_the_index(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitioned, "STATEMENT_TIMEOUT_MILLISECONDS", 20)

    def run_slowly(
        execute: Any, sql: str, values: Any, many: bool, context: Any
    ) -> Any:
        if 'FROM "decisions"' in sql:
            execute("SELECT pg_sleep(1)", None, many, context)
        return execute(sql, values, many, context)

    with connection.execute_wrapper(run_slowly):
        answer = staff.get(reverse("admin:optimizations_decision_changelist"))

    assert answer.headers["Location"] == reverse("admin:index")


def test_a_lost_database_is_not_reported_as_a_slow_list(staff: Client) -> None:
    def fail(execute: Any, sql: str, *arguments: Any) -> Any:
        if "SET LOCAL" in sql:
            raise OperationalError("the connection is lost")
        return execute(sql, *arguments)

    with (
        connection.execute_wrapper(fail),
        pytest.raises(OperationalError, match="is lost"),
    ):
        staff.get(reverse("admin:optimizations_decision_changelist"))


@pytest.mark.parametrize(
    "name",
    [
        "optimizations_optimization",
        "models_app_banditmodel",
        "organizations_organization",
        "metrics_metric",
        "organizations_apikey",
        "optimizations_variant",
        "models_app_policyversion",
        "optimizations_regime",
    ],
)
def test_a_list_of_three_rows_needs_as_many_queries_as_one(
    staff: Client, name: str
) -> None:
    """There is no query per row."""
    path = reverse(f"admin:{name}_changelist")
    staff_world.make_world("One")
    staff.get(path)
    queries_for_one = count_queries(staff, path)

    staff_world.make_world("Two")
    staff_world.make_world("Three")

    assert count_queries(staff, path) == queries_for_one


def count_queries(client: Client, path: str) -> int:
    """Count the SQL statements of a page."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


@pytest.mark.parametrize(
    ("query", "visitors"),
    [
        ("visitor-1", {"visitor-1"}),
        ("{id}", {"visitor-1", "visitor-2"}),
        ("{id} visitor-2", {"visitor-2"}),
        ("visitor", set()),
    ],
)
def test_decisions_are_found_by_exact_ids(
    staff: Client, query: str, visitors: set[str]
) -> None:
    """They are found by optimization, visitor or both, but not by part of an id."""
    world = staff_world.make_world()
    other = staff_world.make_world("Other")
    staff_world.record_decision(world.optimization, "visitor-1")
    staff_world.record_decision(world.optimization, "visitor-2")
    staff_world.record_decision(other.optimization, "visitor-3")

    page = staff.get(
        reverse("admin:optimizations_decision_changelist"),
        {"q": query.format(id=world.optimization.pk)},
    ).content.decode()

    assert {f"visitor-{n}" for n in (1, 2, 3) if f">visitor-{n}<" in page} == visitors


def test_large_tables_are_never_counted(staff: Client) -> None:
    """No page of a partitioned table runs COUNT."""
    world = staff_world.make_world()
    staff_world.record_decision(world.optimization, "visitor-1")

    for name in ("optimizations_decision", "warehouse_managedexposure"):
        with CaptureQueriesContext(connection) as captured:
            staff.get(reverse(f"admin:{name}_changelist"), {"since": "24"})
        assert not [q for q in captured if "COUNT(" in q["sql"].upper()]
