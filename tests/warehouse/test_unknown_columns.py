# ruff: noqa: S608 - the texts of the tests are their own
"""An unknown column names the columns there are, wherever SQL or a mapping is accepted."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from levered_site.errors import InvalidParametersError
from tests.support import factories, fake_snowflake, histories, shop
from tests.support.factories import Api, read_body, read_error
from tests.support.second_postgres import SecondServer
from warehouse.backends import snowflake
from warehouse.backends.errors import QueryFailedError
from warehouse.sql.customer import check
from warehouse.sql.preview import subquery_columns, unknown_columns
from warehouse.sql.shapes import CheckedQuery

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # The fake reads its database in a way that its database advises against.
    pytest.mark.filterwarnings("ignore:Arrow output:UserWarning"),
]

MANAGED_SQL = "SELECT anonimous_id, timestamp_utc FROM managed_dw.rewards"
MANAGED_MAPPING = {
    "anonymous_id": "anonimous_id",
    "timestamp": "timestamp_utc",
    "reward_type": "bool",
}
CONNECTED_SQL = "SELECT b.usr, b.at FROM public.bought AS b WHERE b.at >= @start_date"
CONNECTED_MAPPING = {"anonymous_id": "usr", "timestamp": "at", "reward_type": "bool"}
SOURCE_SQL = 'SELECT *, "usr" FROM shown WHERE seen >= @start_date'


def call_tool(api: Api, tool: str, **arguments: Any) -> str:
    """Call a tool; return its text."""
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }
    accept = {"Accept": "application/json, text/event-stream"}
    answer = api.request("POST", "/mcp", message, accept, base="")
    text: str = json.loads(answer.content)["result"]["content"][0]["text"]
    return text


def send_everywhere(
    api: Api, sql: str, mapping: dict[str, str], saved_id: str
) -> list[str]:
    """Send SQL to every endpoint and tool that takes a metric's; return the messages."""
    named = {"name": "x", "sql": sql, "column_mapping": mapping}
    answers = [
        api.post("/warehouse/query", {"sql": sql}),
        api.post("/warehouse/preview", {"sql": sql, "column_mapping": mapping}),
        api.post("/warehouse/metrics", named),
        api.patch(f"/warehouse/metrics/{saved_id}", named),
    ]
    assert [answer.status_code for answer in answers] == [400] * 4
    return [
        *(read_error(answer)["message"] for answer in answers),
        call_tool(api, "explore_warehouse", look="query", sql=sql),
        call_tool(api, "define_metric", **named),
    ]


def test_on_the_managed_store_every_door_names_the_columns() -> None:
    api = factories.make_admin_api(factories.make_organization())
    right = json.loads(json.dumps([MANAGED_SQL, MANAGED_MAPPING]).replace("ni", "ny"))
    body = {"name": "x", "sql": right[0], "column_mapping": right[1]}
    saved = read_body(api.post("/warehouse/metrics", body))

    messages = send_everywhere(api, MANAGED_SQL, MANAGED_MAPPING, saved["id"])

    for message in messages:
        assert "anonimous_id" in message
        assert 'meant to reference the column "rewards.anonymous_id"' in message
        assert "rewards has the columns anonymous_id, name, value, " in message


def test_on_a_connected_postgres_every_door_names_the_columns(
    second: SecondServer,
) -> None:
    api = factories.make_admin_api(factories.make_organization())
    shop.connect_warehouse(api, second)
    saved = read_body(api.post("/warehouse/metrics", shop.METRIC))
    source = read_body(api.post("/warehouse/assignment-sources", shop.SOURCE))
    wrong_source = {**shop.SOURCE, "sql": SOURCE_SQL}
    unsaved = {name: wrong_source[name] for name in ("sql", "column_mapping")}

    messages = send_everywhere(api, CONNECTED_SQL, CONNECTED_MAPPING, saved["id"])
    answers = [
        api.post("/warehouse/assignment-sources", wrong_source),
        api.patch(f"/warehouse/assignment-sources/{source['id']}", wrong_source),
        api.post("/warehouse/assignment-sources/preview", unsaved),
    ]

    for message in messages:
        assert 'meant to reference the column "b.user"' in message
        assert "public.bought has the columns user, at, amount, label, " in message
    assert [answer.status_code for answer in answers] == [400] * 3
    for answer in answers:
        message = read_error(answer)["message"]
        assert "public.shown has the columns user, seen, experiment, " in message


@pytest.mark.parametrize("role", ["anonymous_id", "timestamp"])
def test_a_mapping_to_an_unknown_column_names_the_one_that_was_meant(role: str) -> None:
    api = factories.make_member_api(factories.make_organization())
    sql = "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards"
    mapping = {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "reward_type": "bool",
    }
    meant = mapping[role]
    mapping[role] = meant.replace("i", "y").upper()
    body = {"sql": sql, "column_mapping": mapping}

    answers = [
        api.post("/warehouse/metrics", {"name": "x", **body}),
        api.post("/warehouse/preview", body),
    ]

    for answer in answers:
        (problem,) = read_error(answer)["details"]
        assert problem["field"] == f"column_mapping.{role}"
        assert problem["message"] == (
            f"The query returns no column {mapping[role]!r}; it returns anonymous_id, "
            f"timestamp_utc. Did you mean {meant!r}?"
        )


@pytest.fixture
def snowflake_backend() -> Iterator[Any]:
    """Open a fake account with two tables."""
    with fake_snowflake.run_fake_account() as cursor:
        for table in histories.SNOWFLAKE_TABLES:
            cursor.execute(table)
        yield snowflake.build_backend(
            "org_a", snowflake.validate_credentials(histories.SNOWFLAKE_ACCOUNT)
        )


def test_on_snowflake_metrics_sources_and_queries_name_the_columns(
    snowflake_backend: Any,
) -> None:
    metric_sql = "SELECT whoo AS who, earned_at, amount, label FROM rewards"
    source_sql = "SELECT e.*, e.contxt FROM app.exposures AS e"
    mapping = {**histories.EXPOSURE_COLUMNS, "context": "contxt"}

    with pytest.raises(QueryFailedError, match="Did you mean 'WHO'") as query:
        snowflake_backend.query(metric_sql, 1)
    with pytest.raises(QueryFailedError, match="Did you mean 'WHO'"):
        snowflake_backend.validate_and_run_metric(metric_sql, histories.REWARD_COLUMNS)
    with pytest.raises(QueryFailedError, match="Did you mean 'CONTEXT'") as source:
        snowflake_backend.validate_and_run_source(source_sql, mapping)
    with pytest.raises(InvalidParametersError, match="Did you mean 'WHO'"):
        snowflake_backend.validate_and_run_metric(
            histories.METRIC_SQL, {**histories.REWARD_COLUMNS, "anonymous_id": "whoo"}
        )

    assert "has the columns WHO, EARNED_AT, AMOUNT, LABEL." in query.value.message
    assert "has the columns WHO, SEEN_AT, OPTIMIZATION, " in source.value.message


@pytest.mark.parametrize(
    ("sql", "line", "meant"),
    [
        ("SELECT 1 AS one\nFROM bougt", 2, "public.bought"),
        ("SELECT 1 AS one\n\nFROM public.orders", 3, "shop.orders"),
        ('WITH a AS (\nSELECT 1 FROM "Bought")\nSELECT * FROM a', 2, "public.bought"),
        ("SELECT 1 AS one\nFROM public.quite_something_else", 2, None),
    ],
)
def test_an_unknown_table_of_a_connected_postgres_is_named_with_its_line(
    second: SecondServer, sql: str, line: int, meant: str | None
) -> None:
    api = factories.make_admin_api(factories.make_organization())
    shop.connect_warehouse(api, second)

    answers = [
        api.post("/warehouse/query", {"sql": sql}),
        api.post("/warehouse/metrics", {**shop.METRIC, "sql": sql}),
    ]

    for answer in answers:
        message = read_error(answer)["message"]
        assert answer.status_code == 400
        assert "does not exist. There is no table " in message
        assert f"(line {line})." in message
        assert message.endswith(f" Did you mean {meant}?") == bool(meant)


def test_an_unknown_column_of_a_with_query_names_those_that_the_query_has(
    second: SecondServer,
) -> None:
    api = factories.make_admin_api(factories.make_organization())
    shop.connect_warehouse(api, second)
    recent = 'WITH recent AS (SELECT "user", at AS bought_at FROM bought)'
    texts = [
        # at is a column of the table, and none of the WITH query
        f"{recent} SELECT r.at FROM recent AS r",
        f"{recent} SELECT usr FROM recent",
        f"{recent}, later AS (SELECT * FROM recent) SELECT usr FROM later",
    ]

    for sql in texts:
        message = read_error(api.post("/warehouse/query", {"sql": sql}))["message"]
        assert "The WITH query " in message
        assert " has the columns user, bought_at." in message
        assert "public.bought has the columns" not in message


def check_query(sql: str, dialect: str) -> CheckedQuery:
    """Check a query of a connected warehouse."""
    return check.check_query(sql, dialect, managed=False, schema="app")


@pytest.mark.parametrize(
    ("dialect", "message"),
    [
        ("bigquery", "Unrecognized name: usr_id at [1:8]"),
        ("bigquery", "Name usr_id not found inside o at [1:10]"),
        (
            "snowflake",
            "SQL compilation error: error line 1 at position 7\ninvalid identifier 'USR_ID'",
        ),
        (
            "snowflake",
            "SQL compilation error:\ninvalid identifier 'O.USR_ID'",
        ),
        ("postgres", 'column "usr_id" does not exist'),
        ("postgres", "column o.usr_id does not exist"),
    ],
)
def test_each_warehouses_own_words_are_understood(dialect: str, message: str) -> None:
    query = check_query(
        "WITH recent AS (SELECT o.usr_id AS usr_id, o.at FROM orders AS o)"
        " SELECT r.usr_id, r.at FROM recent AS r",
        dialect,
    )
    user_id, at = ("USER_ID", "AT") if dialect == "snowflake" else ("user_id", "at")
    columns = {"app.orders": [user_id, at]}

    unknown = unknown_columns.find_unknown_columns(
        query, message, columns["app.orders"]
    )
    described = unknown_columns.describe_columns(unknown, columns, message)

    assert [name.lower() for name in unknown] == ["usr_id"]
    assert described == (
        f"{message}. Did you mean {user_id!r}? app.orders has the columns {user_id}, {at}."
    )


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT s.c FROM (SELECT a FROM t) AS s", {"The subquery s": ("a",)}),
        ("SELECT w.c FROM (SELECT 1 AS x, 2 AS y) AS w", {"The subquery w": ("x", "y")}),
        ("WITH w AS (SELECT * FROM t) SELECT c FROM w", {"The WITH query w": ("a", "b")}),
        (
            "WITH w AS (SELECT a FROM t UNION ALL SELECT 1) SELECT c FROM w",
            {"The WITH query w": ("a",)},
        ),
        # nothing tells these columns, or c may be a table's
        ("WITH w AS (SELECT * FROM u) SELECT c FROM w", {}),
        ("WITH w AS (SELECT u.* FROM u) SELECT c FROM w", {}),
        ("WITH w AS (SELECT a FROM t) SELECT c FROM w, u", {}),
        ("WITH w AS (SELECT a AS c FROM t) SELECT c FROM w", {}),
        ("SELECT c FROM t", {}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dialect", ["postgres", "snowflake", "bigquery"])
def test_only_columns_that_a_subquery_cannot_have_are_missing(
    sql: str, found: dict[str, tuple[str, ...]], dialect: str
) -> None:
    fold = str.upper if dialect == "snowflake" else str
    query = check_query(sql, dialect)
    tables = {f"app.{fold('t')}": [fold("a"), fold("b")]}

    missing = subquery_columns.find_missing_columns(
        query, f'column "{fold("c")}" does not exist', tables
    )

    assert {each.subquery.lower(): each.columns for each in missing} == {
        name.lower(): tuple(map(fold, columns)) for name, columns in found.items()
    }


@pytest.mark.parametrize(
    ("dialect", "unknown"),
    [("postgres", ["At"]), ("snowflake", ["At"]), ("bigquery", [])],
)
def test_a_name_in_quotes_is_unknown_in_another_case_except_on_bigquery(
    dialect: str, unknown: list[str]
) -> None:
    quote = "`" if dialect == "bigquery" else '"'
    query = check_query("SELECT 'At' FROM orders".replace("'", quote), dialect)
    message = 'no column "At"'

    assert unknown_columns.find_unknown_columns(query, message, ["at"]) == unknown
    assert unknown_columns.suggest_column("At", ["at", "user"]) == "at"


@pytest.mark.parametrize(
    "message",
    [
        'relation "app.orders" does not exist',
        'column reference "at" is ambiguous',
        "division by zero",
        "missing FROM-clause entry for table o",
        "function recent(text) does not exist",
    ],
)
def test_other_failures_stay_as_the_warehouse_words_them(message: str) -> None:
    query = check_query(
        "WITH recent AS (SELECT o.user_id FROM orders AS o)"
        " SELECT user_id AS function, 1 / 0 AS zero FROM recent",
        "postgres",
    )

    assert unknown_columns.find_unknown_columns(query, message, ["user_id", "at"]) == []


def test_a_suggestion_of_the_warehouse_is_not_repeated_and_lists_are_bounded() -> None:
    message = "Unrecognized name: usr; Did you mean user? at [1:8]"
    columns = {f"app.t{n}": [f"c{m}" for m in range(100)] for n in range(9)}

    described = unknown_columns.describe_columns(["usr"], columns, message)

    assert described.count("id you mean") == 1
    assert described.count("has the columns") == 3
    assert "c39 and 60 more." in described
