"""The Snowflake backend on fakesnow: results, refusals, credentials."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone
from pytest_django import Settings

from levered_site.errors import InvalidParametersError, NotFoundError
from tests.support import fake_snowflake, histories, reference_cube
from tests.support.cube_comparison import SPEC, A, B, normalize_cube
from tests.support.reference_cube import Reward, Touch
from warehouse.backends import snowflake
from warehouse.backends.errors import QueryFailedError

# The fake reads its database in a way that its database advises against.
pytestmark = pytest.mark.filterwarnings("ignore:Arrow output:UserWarning")

CREDENTIALS = histories.SNOWFLAKE_ACCOUNT
PASSWORD = CREDENTIALS["password"]
FAILING_SQL = 'SELECT missing AS "{}" FROM exposures'
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
TOUCHES = [Touch("u", AT, A, "{}", 1), Touch("v", AT, B, "{}", 1)]
REWARDS = [Reward("u", AT + timedelta(hours=1)), Reward("x", AT)]


@pytest.fixture
def backend() -> Iterator[Any]:
    """Open a fake account with two tables and two users."""
    with fake_snowflake.run_fake_account() as cursor:
        for table in histories.SNOWFLAKE_TABLES:
            cursor.execute(table)
        histories.fill_tables(cursor, TOUCHES, REWARDS)
        yield build_backend()


def build_backend() -> Any:
    """Return the backend of the account that runs."""
    return snowflake.build_backend("org_a", snowflake.validate_credentials(CREDENTIALS))


def validate_queries(backend: Any) -> tuple[Any, Any]:
    """Return the metric and the source, mapped by names in small letters."""
    metric = backend.validate_and_run_metric(
        histories.METRIC_SQL, histories.REWARD_COLUMNS
    )
    source = backend.validate_and_run_source(
        histories.SOURCE_SQL, histories.EXPOSURE_COLUMNS
    )
    return metric, source


def test_a_query_returns_rows_and_says_if_there_are_more(backend: Any) -> None:
    result = backend.query("SELECT who, variant FROM exposures ORDER BY who", 1)

    assert result.columns == ("WHO", "VARIANT")
    assert result.rows == (("u", A),)
    assert result.truncated


def test_the_start_date_is_bound(backend: Any) -> None:
    result = backend.query("SELECT who FROM exposures WHERE seen_at > @start_date", 10)

    is_before_start = timezone.now() - timedelta(days=30) > AT
    assert (result.rows == ()) == is_before_start


def test_the_cube_equals_the_reference(backend: Any) -> None:
    spec = replace(SPEC, optimization_id=histories.OPTIMIZATION)

    cube = backend.compute_cube(spec, *validate_queries(backend))

    assert normalize_cube(cube) == normalize_cube(
        reference_cube.build_reference_cube(spec, TOUCHES, REWARDS)
    )
    assert cube.cells


def test_rows_are_counted_by_day(backend: Any) -> None:
    spec = replace(SPEC, optimization_id=histories.OPTIMIZATION)

    counts = backend.count_rows_by_day(spec, *validate_queries(backend))

    assert {day: (count.exposures, count.rewards) for day, count in counts.items()} == {
        date(2026, 3, 2): (2, 2)
    }


def test_a_preview_counts_the_ids_that_match(backend: Any) -> None:
    metric, source = validate_queries(backend)

    preview = backend.preview_metric(metric, AT - timedelta(days=1), 10, source)
    source_preview = backend.preview_source(source, AT - timedelta(days=1), 10)

    facts, source_facts = preview.facts, source_preview.facts
    assert (facts.rows, facts.users, facts.matched_users) == (2, 2, 1)
    assert facts.exposed_users
    assert not facts.zoneless
    assert (source_facts.no_objects, source_facts.users) == (0, 2)


def test_a_missing_column_is_reported_with_the_existing_columns(backend: Any) -> None:
    mapping = {**histories.REWARD_COLUMNS, "value": "price"}

    with pytest.raises(InvalidParametersError, match="AMOUNT"):
        backend.validate_and_run_metric(histories.METRIC_SQL, mapping)


def test_a_column_of_another_type_is_refused_as_timestamp(backend: Any) -> None:
    mapping = {**histories.REWARD_COLUMNS, "timestamp": "at"}
    sql = "SELECT who, amount, label, TRUE AS at FROM app.rewards"

    with pytest.raises(InvalidParametersError) as refused:
        backend.validate_and_run_metric(sql, mapping)

    assert refused.value.details[0].field == "column_mapping"


def test_tables_and_columns_are_listed(backend: Any) -> None:
    names = {(table.schema, table.name) for table in backend.tables()}

    assert ("APP", "EXPOSURES") in names
    assert [column.name for column in backend.columns("rewards")][:2] == [
        "WHO",
        "EARNED_AT",
    ]
    with pytest.raises(NotFoundError):
        backend.columns("nothing")


@pytest.mark.parametrize(
    ("user_id", "at"), [("user_id", "AT"), ("USER_ID", "AT"), ("User_Id", "at")]
)
def test_a_table_and_columns_made_in_quotes_are_found_by_their_names(
    user_id: str, at: str
) -> None:
    with fake_snowflake.run_fake_account() as cursor:
        cursor.execute('CREATE TABLE "clicks" ("user_id" TEXT, "at" TIMESTAMP_TZ)')
        backend = build_backend()

        metric = backend.validate_and_run_metric(
            'SELECT * FROM "clicks" WHERE "at" >= @start_date',
            {"anonymous_id": user_id, "timestamp": at},
        )
        counted = backend.validate_metric(
            'SELECT * FROM "clicks" WHERE "at" >= @start_date',
            {"anonymous_id": user_id, "timestamp": at},
        )

        assert (metric.anonymous_id, metric.timestamp) == ("user_id", "at")
        assert (counted.anonymous_id, counted.timestamp) == ("user_id", "at")
        assert [column.name for column in backend.columns("clicks")] == [
            "user_id",
            "at",
        ]


def test_a_schema_in_quotes_is_written_exactly() -> None:
    credentials = snowflake.validate_credentials(CREDENTIALS)

    assert snowflake.build_backend("o", credentials, "", "shop").schema == "SHOP"
    assert snowflake.build_backend("o", credentials, "", '"shop"').schema == "shop"


@pytest.fixture
def quoted_account() -> Iterator[Any]:
    """Open a fake account with a schema, tables and columns made in quotes."""
    with fake_snowflake.run_fake_account() as cursor:
        cursor.execute('CREATE SCHEMA "analytics"')
        cursor.execute('CREATE TABLE "analytics"."events" ("user_id" TEXT, "at" DATE)')
        cursor.execute("CREATE TABLE app.events (who TEXT)")
        cursor.execute('CREATE TABLE app."dotted.name" (a INT)')
        yield cursor


def open_schema(schema: str) -> Any:
    """Return the backend of a connection to a schema, as connecting stores it."""
    credentials = snowflake.validate_credentials({**CREDENTIALS, "schema": schema})
    credentials |= snowflake.build_backend("o", credentials).find_names()
    return snowflake.build_backend("o", credentials)


def test_a_schema_made_in_quotes_is_found_by_its_name(quoted_account: Any) -> None:
    del quoted_account

    backend = open_schema("analytics")

    assert [column.name for column in backend.columns("events")] == ["user_id", "at"]
    assert backend.query('SELECT "user_id" FROM "events"', 1).columns == ("user_id",)
    assert backend.query("SELECT who FROM app.events", 1).columns == ("WHO",)


def test_a_schema_in_capitals_is_found_in_any_case(quoted_account: Any) -> None:
    del quoted_account

    assert open_schema("app").schema == "APP"
    assert open_schema("missing").schema == "MISSING"


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("analytics.events", ["user_id", "at"]),
        ('"analytics"."events"', ["user_id", "at"]),
        ("analytics.EVENTS", []),
        ("App.Events", ["WHO"]),
        ("events", ["WHO"]),
        ('"EVENTS"', ["WHO"]),
        ('"events"', []),
        ("dotted.name", ["A"]),
        ('app."dotted.name"', ["A"]),
        ("APP.dotted.name", ["A"]),
    ],
)
def test_a_table_is_found_by_its_exact_name_first(
    quoted_account: Any, table: str, columns: list[str]
) -> None:
    del quoted_account
    backend = open_schema("app")

    if not columns:
        with pytest.raises(NotFoundError):
            backend.columns(table)
    else:
        assert [column.name for column in backend.columns(table)] == columns


def test_an_attack_is_refused_before_it_is_sent(backend: Any) -> None:
    with pytest.raises(InvalidParametersError):
        backend.query("SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))", 1)


def test_the_error_of_a_failed_query_does_not_hold_the_password(backend: Any) -> None:
    with pytest.raises(QueryFailedError) as failed:
        backend.query(FAILING_SQL.format(PASSWORD), 1)

    assert PASSWORD not in failed.value.message
    assert PASSWORD not in repr(backend)


def test_a_result_that_is_too_large_is_stopped(
    backend: Any, settings: Settings
) -> None:
    settings.QUERY_ANSWER_BYTES = 10

    with pytest.raises(QueryFailedError, match="larger than 10 bytes"):
        backend.query("SELECT who, variant FROM exposures", 10)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account", "evil.example/x"),
        ("account", "a@b"),
        ("account", ""),
        ("username", 'a"b'),
        ("password", ""),
        ("private_key", "nonsense"),
        ("host", "127.0.0.1"),
        ("authenticator", "externalbrowser"),
    ],
)
def test_invalid_credentials_are_refused(field: str, value: str) -> None:
    with pytest.raises(InvalidParametersError) as refused:
        snowflake.validate_credentials({**CREDENTIALS, field: value})

    assert PASSWORD not in str(refused.value.details)


def test_a_private_key_replaces_the_password() -> None:
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    credentials = {**CREDENTIALS, "private_key": key.decode()}
    del credentials["password"]

    stored = snowflake.validate_credentials(credentials)

    arguments = snowflake.build_backend("org_a", stored).build_connect_arguments(30)
    assert isinstance(arguments["private_key"], bytes)
    assert arguments["paramstyle"] == "qmark"
    assert "password" not in arguments
