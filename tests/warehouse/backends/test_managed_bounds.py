"""What a query of the managed store may take: rows, bytes, items, time, disk, memory."""

import resource
import uuid

import pytest
from django.test import override_settings

from tests.support import warehouse_events
from tests.support.reference_cube import Reward
from tests.support.warehouse_events import parse_moment
from warehouse.backends import managed
from warehouse.backends.errors import QueryFailedError

AT = parse_moment("2026-03-02 10:00")
REWARDS = "SELECT anonymous_id, value FROM managed_dw.rewards ORDER BY 1"
pytestmark = pytest.mark.django_db(transaction=True)


def test_rows_are_limited_and_reported_as_truncated() -> None:
    warehouse_events.store_events(
        "org_a", str(uuid.uuid4()), [], [Reward(f"u{n}", AT) for n in range(5)]
    )
    acme = managed.build_backend("org_a")

    three, five = acme.query(REWARDS, 3), acme.query(REWARDS, 5)

    assert (len(three.rows), three.truncated) == (3, True)
    assert (len(five.rows), five.truncated) == (5, False)
    assert three.columns == ("anonymous_id", "value")


def test_a_query_that_takes_too_long_is_stopped() -> None:
    tens = "(SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1) AS t"
    many = [f"{tens}{index}" for index in range(20)]
    sql = " CROSS JOIN ".join(["SELECT count(*) FROM (SELECT 1) AS t", *many])

    with (
        override_settings(QUERY_TIMEOUT_SECONDS=1),
        pytest.raises(QueryFailedError, match="longer than 1 s"),
    ):
        managed.build_backend("org_a").query(sql, 1)


def test_a_value_that_replace_makes_large_never_leaves_the_database() -> None:
    letters = "a" * 10_000
    sql = f"SELECT replace('{'a' * 2000}', 'a', '{letters}') AS a"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(QueryFailedError, match="larger than 8,000,000 bytes"):
        managed.build_backend("org_a").query(sql, 10)

    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 5 * 1024


def test_bytes_of_all_rows_together_are_limited() -> None:
    warehouse_events.store_events(
        "org_a", str(uuid.uuid4()), [], [Reward(f"u{n}", AT) for n in range(5)]
    )
    sql = f"SELECT anonymous_id || '{'a' * 3000}' AS a FROM managed_dw.rewards"  # noqa: S608 - the test's own text

    with override_settings(QUERY_ANSWER_BYTES=10_000):
        assert len(managed.build_backend("org_a").query(sql, 2).rows) == 2
        with pytest.raises(QueryFailedError, match="larger than 10,000 bytes"):
            managed.build_backend("org_a").query(sql, 4)


def test_a_sort_that_fills_the_disk_is_stopped() -> None:
    rows = " UNION ALL ".join(["SELECT 1 AS n"] * 20)
    tables = ", ".join(f"(SELECT * FROM t) AS t{index}" for index in range(5))  # noqa: S608 - the test's own text
    sql = (
        f"WITH t AS ({rows}) SELECT max(r) AS m FROM (SELECT row_number() OVER"  # noqa: S608 - the test's own text
        f" (ORDER BY md5(CAST(t0.n + t1.n AS text))) AS r FROM {tables}) AS q"
    )

    with (
        override_settings(QUERY_MEMORY_MB=1, QUERY_DISK_MB=5),
        pytest.raises(QueryFailedError, match="more than 5 MB of temporary files"),
    ):
        managed.build_backend("org_a").query(sql, 1)


def test_json_values_of_many_items_are_refused_before_they_are_built() -> None:
    rows = " UNION ALL ".join(["SELECT 1 AS n"] * 60)
    items = "[" + "[]," * 5000 + "[]]"
    sql = f"SELECT CAST('{items}' AS jsonb) AS a FROM ({rows}) AS q"  # noqa: S608 - the test's own text

    with pytest.raises(QueryFailedError, match="more than 250,000 items"):
        managed.build_backend("org_a").query(sql, 100)


@pytest.mark.parametrize(
    "value", ["array_agg(true)", "array_agg(ROW(1, n))", "ROW(array_agg(1.5), 'a')"]
)
def test_native_lists_of_many_items_are_refused_before_they_are_built(
    value: str,
) -> None:
    series = "generate_series(1, %d) AS n, generate_series(1, 6) AS h"
    sql = f"SELECT {value} AS a FROM {series}"  # noqa: S608 - the test's own text
    backend = managed.build_backend("org_a")

    with pytest.raises(QueryFailedError, match="more than 250,000 items"):
        backend.query(sql % 50_000, 1)
    assert backend.query(sql % 100, 1).rows


def test_the_items_of_one_query_do_not_count_for_the_next() -> None:
    rows = " UNION ALL ".join(["SELECT 1 AS n"] * 10)
    items = "[" + "[]," * 5000 + "[]]"
    sql = f"SELECT CAST('{items}' AS jsonb) AS a FROM ({rows}) AS q"  # noqa: S608 - the test's own text

    for _ in range(4):  # 100,000 items each
        assert len(managed.build_backend("org_a").query(sql, 100).rows) == 10


@pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('["[",', "]")]
)
@pytest.mark.parametrize("levels", [200, 500, 1000])
def test_a_json_value_of_many_levels_is_refused(
    opening: str, closing: str, levels: int
) -> None:
    text = opening * levels + "1" + closing * levels
    backend = managed.build_backend("org_a")

    with pytest.raises(QueryFailedError, match="more than 100 levels"):
        backend.query(f"SELECT CAST('{text}' AS jsonb) AS a", 1)
    flat = "[" + ",".join(["[]"] * 300) + "]"
    assert backend.query(f"SELECT CAST('{flat}' AS jsonb) AS a", 1).rows


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"QUERY_TIMEOUT_SECONDS": 1}, "longer than 1 s"),
        (
            {"QUERY_DISK_MB": 1, "QUERY_MEMORY_MB": 1},
            "more than 1 MB of temporary files",
        ),
    ],
)
@pytest.mark.parametrize(
    "sql",
    [
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT least(i, 1) FROM n WHERE i < 2) SELECT count(*) FROM n",
        "SELECT count(*) FROM generate_series(1, (SELECT 10 ^ 12)::bigint) AS n",
    ],
)
def test_rows_without_an_end_meet_a_limit(
    sql: str, limit: dict[str, int], words: str
) -> None:
    with override_settings(**limit), pytest.raises(QueryFailedError, match=words):
        managed.build_backend("org_a").query(sql, 10)


def test_values_that_a_query_builds_are_bounded_by_the_memory_of_its_backend() -> None:
    digits = " UNION ALL ".join(f"SELECT {digit} AS n" for digit in range(10))
    tables = ", ".join(f"digits AS d{index}" for index in range(7))
    filling = "x" * 300
    sql = (
        f"WITH digits AS ({digits}) SELECT count(q.a) AS n FROM"  # noqa: S608 - the test's own text
        f" (SELECT array_agg('{filling}' || d0.n) AS a FROM {tables}) AS q"
    )

    with pytest.raises(QueryFailedError, match="needs more memory than one query"):
        managed.build_backend("org_a").query(sql, 1)

    assert managed.build_backend("org_a").query("SELECT 1 AS n", 1).rows == ((1,),)
