"""Tables, columns, queries and previews by REST."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from urllib.parse import quote

import pytest
from django.db import connection

from levered_site.errors import UnavailableError
from tests.support import factories
from tests.support.factories import read_body, read_error
from warehouse import connections

pytestmark = pytest.mark.django_db
MAPPING = {
    "anonymous_id": "anonymous_id",
    "timestamp": "timestamp_utc",
    "reward_type": "bool",
}


def test_tables_and_columns() -> None:
    bob = factories.make_member_api(factories.make_organization())

    tables = read_body(bob.get("/warehouse/tables"))["tables"]
    columns = [
        read_body(bob.get(f"/warehouse/tables/{name}/columns"))["columns"]
        for name in ("rewards", "managed_dw.rewards")
    ]
    missing = bob.get("/warehouse/tables/auth_user/columns")

    assert {table["name"] for table in tables} == {"exposures", "rewards"}
    assert columns[0] == columns[1]
    assert columns[0][0] == {"name": "anonymous_id", "type": "text", "nullable": False}
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("table", "status"),
    [
        ("MANAGED_DW.REWARDS", 200),
        ("REWARDS", 200),
        ('"rewards"', 200),
        ('managed_dw."rewards"', 200),
        ('"managed_dw".Rewards', 200),
        ('"REWARDS"', 404),
        ("levered.managed_dw.rewards", 404),
        ('"', 404),
    ],
)
def test_managed_columns_take_a_name_as_a_query_writes_it(
    table: str, status: int
) -> None:
    bob = factories.make_member_api(factories.make_organization())

    answer = bob.get(f"/warehouse/tables/{quote(table, safe='')}/columns")

    assert answer.status_code == status


def test_a_query_returns_rows() -> None:
    bob = factories.make_member_api(factories.make_organization())

    result = read_body(bob.post("/warehouse/query", {"sql": "SELECT 1 AS a, 'x' AS b"}))

    assert result["columns"] == ["a", "b"]
    assert result["rows"] == [[1, "x"]]
    assert (result["row_count"], result["truncated"]) == (1, False)
    assert result["elapsed_ms"] >= 0


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
        ({"sql": "SELECT nope FROM managed_dw.rewards"}, 400, "sql"),
    ],
)
def test_invalid_queries_are_refused_by_field(
    body: dict[str, object], status: int, field: str
) -> None:
    bob = factories.make_member_api(factories.make_organization())

    answer = bob.post("/warehouse/query", body)

    details = read_error(answer).get("details", [])
    assert answer.status_code == status
    assert [problem["field"] for problem in details] == [field]


def test_a_preview_without_rows_warns() -> None:
    bob = factories.make_member_api(factories.make_organization())
    sql = "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards"

    preview = read_body(
        bob.post("/warehouse/preview", {"sql": sql, "column_mapping": MAPPING})
    )
    error = read_error(
        bob.post(
            "/warehouse/preview", {"sql": "SELECT 1 AS a", "column_mapping": MAPPING}
        )
    )

    assert (preview["rows"], preview["match_rate"]) == ([], None)
    assert preview["warnings"][0] == "The query returned no rows for the last 30 days."
    assert "@start_date" in preview["warnings"][1]
    assert error["details"][0]["field"] == "column_mapping.anonymous_id"


def test_concurrent_queries_are_limited_per_organization() -> None:
    limit_reached, done = Event(), Event()

    def borrow(_: int) -> None:
        try:
            with connections.borrow_backend("org_busy"):
                if (
                    connections._running_queries["org_busy"]
                    == connections.MAX_CONCURRENT_QUERIES
                ):
                    limit_reached.set()
                done.wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(connections.MAX_CONCURRENT_QUERIES) as pool:
        borrowers = [
            pool.submit(borrow, number)
            for number in range(connections.MAX_CONCURRENT_QUERIES)
        ]
        limit_reached.wait(10)
        with (
            pytest.raises(UnavailableError, match="running"),
            connections.borrow_backend("org_busy"),
        ):
            pass
        with connections.borrow_backend("org_idle") as backend:
            rows = backend.query("SELECT 1", 1).rows
        done.set()
        for borrower in borrowers:
            borrower.result()

    assert rows == ((1,),)
    assert connections._running_queries["org_busy"] == 0
