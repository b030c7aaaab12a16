"""/warehouse: the connection, tables, queries, previews."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection

from levered_site.errors import UnavailableError
from levered_site.organizations.models import AuditEntry
from tests import factories
from tests.factories import body_of, error_of
from warehouse import connections
from warehouse.models import Connection

pytestmark = pytest.mark.django_db

MAPPING = {
    "anonymous_id": "anonymous_id",
    "timestamp": "timestamp_utc",
    "reward_type": "bool",
}


def test_every_organization_starts_on_the_managed_warehouse() -> None:
    bob = factories.member_of(factories.organization())

    shown = body_of(bob.get("/warehouse/connections"))
    tested = body_of(bob.post("/warehouse/connections/test"))

    assert shown["connection"] is None
    assert tested["success"] is True
    assert isinstance(tested["latency_ms"], int)


def test_connection_is_made_replaced_and_forgotten_by_an_admin() -> None:
    acme = factories.organization()
    alice = factories.admin_of(acme)

    made = alice.post("/warehouse/connections", {"provider": "managed"})
    again = alice.post("/warehouse/connections", {"provider": "managed"})
    shown = body_of(alice.get("/warehouse/connections"))["connection"]
    forgotten = [alice.delete("/warehouse/connections") for _ in range(2)]

    fields = ["id", "provider", "project_id", "dataset_id", "meta"]
    assert (made.status_code, list(body_of(made))) == (201, fields)
    assert body_of(again)["id"] == shown["id"]
    assert [answer.status_code for answer in forgotten] == [204, 204]
    assert not Connection.objects.exists()
    assert AuditEntry.objects.filter(action="warehouse.forget").count() == 1


@pytest.mark.parametrize("provider", ["bigquery", "snowflake", "postgres"])
def test_connected_warehouses_come_later(provider: str) -> None:
    alice = factories.admin_of(factories.organization())
    body = {
        "provider": provider,
        "project_id": "p",
        "dataset_id": "d",
        "credentials": {"password": "secret"},
    }

    error = error_of(alice.post("/warehouse/connections", body))

    assert error["code"] == "unavailable"
    assert "not available in this version" in error["message"]
    assert not Connection.objects.exists()


def test_member_may_look_but_not_connect() -> None:
    bob = factories.member_of(factories.organization())

    answers = [
        bob.post("/warehouse/connections", {"provider": "managed"}),
        bob.delete("/warehouse/connections"),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert not Connection.objects.exists()


def test_tables_and_columns() -> None:
    bob = factories.member_of(factories.organization())

    tables = body_of(bob.get("/warehouse/tables"))["tables"]
    columns = [
        body_of(bob.get(f"/warehouse/tables/{name}/columns"))["columns"]
        for name in ("rewards", "managed_dw.rewards")
    ]
    missing = bob.get("/warehouse/tables/auth_user/columns")

    assert {table["name"] for table in tables} == {"exposures", "rewards"}
    assert columns[0] == columns[1]
    assert columns[0][0] == {"name": "anonymous_id", "type": "text", "nullable": False}
    assert missing.status_code == 404


def test_query_answers_rows() -> None:
    bob = factories.member_of(factories.organization())

    shown = body_of(bob.post("/warehouse/query", {"sql": "SELECT 1 AS a, 'x' AS b"}))

    assert shown["columns"] == ["a", "b"]
    assert shown["rows"] == [[1, "x"]]
    assert (shown["row_count"], shown["truncated"]) == (1, False)
    assert shown["elapsed_ms"] >= 0


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "sql"),
        ({"sql": "SELECT 1", "limit": 1001}, 400, "limit"),
        ({"sql": "SELECT 1", "limit": 0}, 400, "limit"),
        ({"sql": "SELECT 1", "timeout": 0}, 400, "timeout"),
        ({"sql": "SELECT pg_sleep(1)"}, 400, "sql"),
        (
            {"sql": "SELECT '\ud800'".encode("utf-16", "surrogatepass").hex()},
            400,
            "sql",
        ),
        ({"sql": "SELECT nope FROM managed_dw.rewards"}, 502, None),
    ],
)
def test_bad_queries(body: dict[str, object], status: int, field: str | None) -> None:
    bob = factories.member_of(factories.organization())

    answer = bob.post("/warehouse/query", body)

    details = error_of(answer).get("details", [])
    assert answer.status_code == status
    assert [problem["field"] for problem in details] == ([field] if field else [])


def test_preview_of_nothing_says_so() -> None:
    bob = factories.member_of(factories.organization())
    sql = "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards"

    shown = body_of(
        bob.post("/warehouse/preview", {"sql": sql, "column_mapping": MAPPING})
    )
    wrong = error_of(
        bob.post(
            "/warehouse/preview", {"sql": "SELECT 1 AS a", "column_mapping": MAPPING}
        )
    )

    assert (shown["rows"], shown["match_rate"]) == ([], None)
    assert shown["warnings"][0] == "The query returned no rows for the last 30 days."
    assert "@start_date" in shown["warnings"][1]
    assert wrong["details"][0]["field"] == "column_mapping.anonymous_id"


def test_a_few_queries_at_a_time_per_organization() -> None:
    enough, done = Event(), Event()

    def hold(_: int) -> None:
        try:
            with connections.borrowed("org_busy"):
                if connections._running["org_busy"] == connections.AT_ONCE:
                    enough.set()
                done.wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(connections.AT_ONCE) as pool:
        held = [pool.submit(hold, number) for number in range(connections.AT_ONCE)]
        enough.wait(10)
        with (
            pytest.raises(UnavailableError, match="running"),
            connections.borrowed("org_busy"),
        ):
            pass
        with connections.borrowed("org_idle") as backend:
            found = backend.query("SELECT 1", 1).rows
        done.set()
        for one in held:
            one.result()

    assert found == ((1,),)
    assert connections._running["org_busy"] == 0
