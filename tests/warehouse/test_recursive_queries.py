# ruff: noqa: S608 - the texts of the tests are their own
"""A recursion that does not end is refused when it is saved, and named where it is met."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from levered_site.organizations.models import Organization
from metrics.models import AssignmentSource, Metric
from tests.support import factories, warehouse_events
from tests.support.factories import Api, read_body, read_error
from tests.support.recursive_rounds import (
    ENDING_RECURSIONS,
    ENDING_ROUNDS,
    ENDLESS_ROUNDS,
    USUAL_RECURSIONS,
    write_recursion,
)
from tests.support.reference_cube import Reward
from tests.support.second_postgres import SecondServer
from tests.support.shop import METRIC, SOURCE, connect_warehouse
from warehouse.backends import managed
from warehouse.backends.errors import QueryFailedError
from warehouse.sql.customer import check

pytestmark = pytest.mark.django_db(transaction=True)

# What a round returns is below the limit for good; the text does not tell.
ENDLESS = "\nr AS (SELECT 1 AS n UNION ALL SELECT least(n + 1, 5) FROM r WHERE n < 10)"
ENDING = "\nr AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 10)"
MANY_ROWS = (
    "generate_series(1, 1000) AS a, generate_series(1, 1000) AS b,"
    " generate_series(1, 1000) AS c"
)
# The rewards are read first, whatever the planner makes of their number.
MANAGED_SQL = (
    "WITH RECURSIVE {recursion}, bought AS MATERIALIZED (SELECT anonymous_id,"
    " timestamp_utc, name FROM managed_dw.rewards WHERE timestamp_utc >= @start_date)"
    " SELECT anonymous_id, timestamp_utc FROM bought, {rows} WHERE true"
)
MAPPING = {
    "anonymous_id": "anonymous_id",
    "timestamp": "timestamp_utc",
    "reward_type": "bool",
}


def _save_metric(api: Api, sql: str) -> Any:
    body = {"name": "signups", "sql": sql, "column_mapping": MAPPING}
    return api.post("/warehouse/metrics", body)


@pytest.fixture
def acme() -> Api:
    """Return an admin of an organization that has a reward."""
    organization = factories.make_organization()
    reward = Reward("u1", timezone.now() - timedelta(days=1))
    warehouse_events.store_events(
        organization.pk, "6b5c0e5e-1111-4222-8333-444444444444", [], [reward]
    )
    return factories.make_admin_api(organization)


@override_settings(QUERY_TIMEOUT_SECONDS=3)
@pytest.mark.parametrize("name", ["", " AND name = 'nobody sent it'"])
def test_a_metric_whose_recursion_does_not_end_is_refused(acme: Api, name: str) -> None:
    sql = MANAGED_SQL.format(recursion=ENDLESS, rows="r") + name

    refused = _save_metric(acme, sql)

    (problem,) = read_error(refused)["details"]
    assert (refused.status_code, problem["field"]) == (400, "sql")
    # By itself, or within the whole where the planner runs it first.
    assert re.match(
        r"The recursive WITH query r \(line 2\) does not end|The query took longer than 3 s"
        r" .* recursive is r \(line 2\)",
        problem["message"],
    )
    assert "WHERE n < 1000" in problem["message"]
    assert not Metric.objects.exists()


# What the planner expects of this many rows depends on what it knows of the rewards.
@override_settings(QUERY_TIMEOUT_SECONDS=3, QUERY_PLAN_COST=1e15)
def test_a_slow_metric_whose_recursion_ends_is_saved_with_a_warning(acme: Api) -> None:
    rows = f"r, {MANY_ROWS}"
    saved = _save_metric(acme, MANAGED_SQL.format(recursion=ENDING, rows=rows))

    (warning,) = read_body(saved)["warnings"]
    assert saved.status_code == 201
    assert warning.startswith("The rows of the last 30 days were not checked")


@override_settings(QUERY_TIMEOUT_SECONDS=3)
def test_a_metric_and_a_source_of_a_connected_postgres_are_refused_likewise(
    second: SecondServer,
) -> None:
    api = factories.make_admin_api(factories.make_organization())
    connect_warehouse(api, second)
    with second.owner() as owner:
        owner.execute("INSERT INTO public.bought SELECT 'u', now()")
        owner.execute(
            'INSERT INTO public.shown ("user", seen, experiment, variant_text)'
            " SELECT 'u', now(), 'e', '{}'"
        )
    metric = f'WITH RECURSIVE {ENDLESS} SELECT "user", at FROM shop.orders, r'
    source = f"WITH RECURSIVE {ENDLESS} SELECT shown.* FROM shown, r"

    answers = [
        api.post("/warehouse/metrics", METRIC | {"sql": metric}),
        api.post("/warehouse/assignment-sources", SOURCE | {"sql": source}),
    ]

    problems = [read_error(answer)["details"][0] for answer in answers]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert {problem["field"] for problem in problems} == {"sql"}
    assert all("query r (line 2) does not end" in each["message"] for each in problems)
    assert not Metric.objects.exists()
    assert not AssignmentSource.objects.exists()


def test_a_recursion_of_which_a_limit_reads_a_part_is_saved(acme: Api) -> None:
    rows = "(SELECT n FROM r LIMIT 3) AS some"

    saved = _save_metric(acme, MANAGED_SQL.format(recursion=ENDLESS, rows=rows))

    assert saved.status_code == 201


@pytest.mark.parametrize("sql", USUAL_RECURSIONS)
def test_a_usual_recursion_ends_when_it_is_run_by_itself(acme: Api, sql: str) -> None:
    del acme
    checked = check.check_query(sql)
    backend = managed.build_backend(Organization.objects.get().pk)

    backend.require_recursions_end(checked)

    assert len(checked.recursions) == 1
    assert backend.query(sql, 1).columns


@pytest.mark.parametrize("sql", ENDING_RECURSIONS)
def test_a_recursion_that_ends_soon_returns_few_rows(acme: Api, sql: str) -> None:
    del acme
    backend = managed.build_backend(Organization.objects.get().pk)

    result = backend.query(sql, 1000)

    assert not result.truncated


def test_postgres_never_ends_what_is_refused_and_ends_what_is_not() -> None:
    for rounds, ends in ((ENDLESS_ROUNDS, False), (ENDING_ROUNDS, True)):
        for text in map(write_recursion, rounds):
            first = f"SELECT count(*) FROM ({text} LIMIT 5000) AS q"
            with connection.cursor() as cursor:
                cursor.execute(first)
                (rows,) = cursor.fetchone() or (0,)
            assert (rows < 5000) == ends, text


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"QUERY_TIMEOUT_SECONDS": 1}, "longer than 1 s"),
        ({"QUERY_DISK_MB": 1, "QUERY_MEMORY_MB": 1}, "more than 1 MB of temporary"),
    ],
)
def test_a_query_that_meets_a_limit_names_its_recursions(
    limits: dict[str, int], words: str
) -> None:
    sql = f"WITH RECURSIVE {ENDLESS} SELECT count(*) AS n FROM r"

    with override_settings(**limits), pytest.raises(QueryFailedError) as failure:
        managed.build_backend("org_a").query(sql, 1)

    message = str(failure.value)
    assert words in message
    assert "recursive is r (line 2)." in message
