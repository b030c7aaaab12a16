# ruff: noqa: S608 - the texts of the tests are their own
"""What a preview's warning advises runs where it appears, and ends the warning."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import factories, shop
from tests.support.factories import Api, read_body
from tests.support.second_postgres import SecondServer
from tests.support.zetasql_engine import Engine
from warehouse import preview_warnings
from warehouse.backends.query_results import MetricFacts
from warehouse.sql.customer import check

pytestmark = pytest.mark.django_db(transaction=True)

CREATE_PAID = """CREATE TABLE public.paid (
  "user" text, at timestamptz, t text, m money, j jsonb, b boolean, f double precision,
  "Mixed" numeric);
INSERT INTO public.paid
SELECT 'u' || n, now() - n * INTERVAL '1 hour', CASE n WHEN 1 THEN 'n/a' ELSE n || '.5' END,
       CAST(n AS money), CASE n WHEN 1 THEN '"x"' ELSE CAST(CAST(n AS text) AS jsonb) END,
       n > 1, CASE n WHEN 1 THEN 'NaN' ELSE CAST(n AS double precision) END,
       CASE n WHEN 1 THEN 'NaN' ELSE CAST(n AS numeric) END
FROM generate_series(1, 5) AS n;
GRANT SELECT ON public.paid TO reader"""
ROW_NUMBER = "row_number() OVER (ORDER BY paid.at DESC)"
DAYS_AGO = f"(now() - INTERVAL '60 days' * {ROW_NUMBER})"
HOURS = f"INTERVAL '2 hours' * {ROW_NUMBER}"
MAPPING = {"anonymous_id": "user", "timestamp": "at", "value": "value"}


@pytest.fixture
def alice(second: SecondServer) -> Any:
    admin = factories.make_admin_api(factories.make_organization())
    shop.connect_warehouse(admin, second)
    with second.owner() as owner:
        owner.execute(CREATE_PAID)
        yield admin
        owner.execute("DROP TABLE public.paid")


def preview(alice: Api, expression: str, **mapping: str) -> dict[str, Any]:
    sql = f'SELECT "user", at, {expression} FROM public.paid WHERE at >= @start_date'
    columns = {**MAPPING, "reward_type": "numeric", **mapping}
    body = {"sql": sql, "column_mapping": columns}
    return read_body(alice.post("/warehouse/preview", body))


@pytest.mark.parametrize(
    ("column", "written", "numbers"),
    [
        ("t", "t", 4),
        ("m", "m", 5),
        ("j", "j", 4),
        ("b", "b", 5),
        ("f", "f", 4),
        ("Mixed", '"Mixed"', 4),
    ],
)
def test_the_remedy_for_amounts_runs_for_the_type_of_the_column(
    alice: Api, column: str, written: str, numbers: int
) -> None:
    before = preview(alice, written, value=column)["warnings"]
    (warning,) = [text for text in before if "no finite number" in text]
    remedy, _, kept = warning.partition("are worth. ")[2].partition(" in place of ")

    after = preview(alice, remedy, value=column)

    assert kept.startswith(f"{written} makes ")
    assert not [text for text in after["warnings"] if "no finite number" in text]
    values = [row[2] for row in after["rows"]]
    assert len([value for value in values if value is not None]) == numbers


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("p.t AS value", "value"),
        ('p.t AS "Value"', "Value"),
        ("p.t", "t"),
        ("p.m AS value", "value"),
        ("p.b AS value", "value"),
        ('p."Mixed" AS value', "value"),
        ('p."Mixed" value', "value"),
        ("p.j AS value", "value"),
        ("(p.t || '') AS value", "value"),
        ("p.f * 2 AS value", "value"),
    ],
)
def test_a_remedy_pasted_in_place_of_what_it_names_is_accepted(
    alice: Api, written: str, name: str
) -> None:
    sql = (
        f'SELECT p."user", p.at, {written} FROM public.paid AS p JOIN (SELECT "user", t'
        ' FROM public.paid) AS o ON o."user" = p."user" WHERE p.at >= @start_date'
    )
    columns = {**MAPPING, "reward_type": "numeric", "value": name}
    body = {"sql": sql, "column_mapping": columns}
    before = read_body(alice.post("/warehouse/preview", body))["warnings"]
    (warning,) = [text for text in before if "no finite number" in text]
    remedy = warning.partition("are worth. ")[2].partition(" makes ")[0]
    pasted, _, replaced = remedy.partition(" in place of ")
    expression = written.split(" AS ", maxsplit=1)[0].removesuffix(" value")
    if replaced.startswith("("):  # computed: the names of its columns stand in quotes
        body["sql"] = sql.replace(written, f"{pasted} AS value")
    else:
        assert replaced == expression
        body["sql"] = sql.replace(replaced, pasted, 1)
    after = read_body(alice.post("/warehouse/preview", body))

    assert not [text for text in after["warnings"] if "no finite number" in text]
    assert after["row_count"] == 5


@pytest.mark.parametrize(
    ("time", "is_told"),
    [
        (f"date_trunc('day', {DAYS_AGO}, 'America/New_York')", True),
        (f"date_trunc('day', {DAYS_AGO}, 'Europe/Berlin')", True),
        (f"{DAYS_AGO}::date::timestamp AT TIME ZONE 'Asia/Kolkata'", True),
        (f"date_trunc('hour', {DAYS_AGO} - {HOURS})", False),
        ("at", False),
    ],
)  # fmt: skip
def test_midnights_of_another_zone_are_told(
    alice: Api, time: str, *, is_told: bool
) -> None:
    sql = f'SELECT "user", {time} AS seen FROM public.paid'
    columns = {"anonymous_id": "user", "timestamp": "seen", "reward_type": "bool"}
    body = {"sql": sql, "column_mapping": columns}
    warnings = read_body(alice.post("/warehouse/preview", body))["warnings"]

    told = any(preview_warnings.ONE_DAY_TIME in text for text in warnings)
    assert told == is_told, warnings


def test_the_condition_of_a_join_names_the_table_of_the_time(alice: Api) -> None:
    sql = (
        'SELECT p."user", p.at AS seen FROM public.paid AS p'
        ' JOIN public.paid AS o ON o."user" = p."user"'
    )
    columns = {"anonymous_id": "user", "timestamp": "seen", "reward_type": "bool"}
    body = {"sql": sql, "column_mapping": columns}
    warnings = read_body(alice.post("/warehouse/preview", body))["warnings"]

    assert any("`p.at >= @start_date`" in text for text in warnings)


def test_the_remedy_for_amounts_runs_on_bigquery() -> None:
    metric = check.check_metric_query(
        "SELECT id, ts, v FROM ds.t WHERE ts >= @start_date",
        {"anonymous_id": "id", "timestamp": "ts", "value": "v"},
        "bigquery",
    )
    facts = MetricFacts(5, 5, 5, 5, True, 0, False, 3, 3, 0, unread=2)  # noqa: FBT003
    (warning,) = preview_warnings.list_metric_warnings(metric, facts, has_amounts=True)
    remedy = warning.partition("are worth. ")[2].partition(" AS v in place of ")[0]
    engine = Engine("ds", datetime(2026, 1, 1, tzinfo=UTC))

    for values in ("'1.5', 'x', NULL", "1.5, CAST('NaN' AS FLOAT64), 1e300", "1, 2, 3"):
        sql = f"SELECT SUM({remedy}) AS s FROM UNNEST([{values}]) AS v"
        assert "nan" not in str(engine.run(sql).rows[0]).lower()


def test_a_boolean_value_of_a_metric_that_counts_rows_is_no_fault(alice: Api) -> None:
    warnings = preview(alice, "b", value="b", reward_type="bool")["warnings"]

    assert not [text for text in warnings if "not a number" in text]
    assert [text for text in warnings if "Column 'b' is false" in text]


@pytest.mark.parametrize(
    ("time", "mapped", "condition"),
    [
        ("at", "at", "`at >= @start_date`."),
        ("at AS seen", "seen", "`at >= @start_date`."),
        ('at AS "Seen"', "Seen", "`at >= @start_date`."),
        ("at + INTERVAL '1 hour' AS x", "x", "on the column that 'x' is made of."),
    ],
)
def test_the_condition_on_the_start_date_names_the_mapped_column(
    alice: Api, time: str, mapped: str, condition: str
) -> None:
    sql = f'SELECT "user", {time}, f AS value FROM public.paid'
    columns = {**MAPPING, "timestamp": mapped, "reward_type": "bool"}
    body = {"sql": sql, "column_mapping": columns}

    (warning,) = [
        text
        for text in read_body(alice.post("/warehouse/preview", body))["warnings"]
        if "does not use @start_date" in text
    ]
    corrected = warning.partition("`")[2].partition("`")[0].replace("time", "at")
    body["sql"] = f"{sql} WHERE {corrected}"
    after = read_body(alice.post("/warehouse/preview", body))

    assert warning.endswith(condition)
    assert after["row_count"] == 5
    assert not [text for text in after["warnings"] if "@start_date" in text]


def test_a_template_in_quotes_is_told_at_preview_and_save(alice: Api) -> None:
    sql = (
        'SELECT "user", at, f AS value FROM public.paid WHERE at >= @start_date AND '
        "(t = '{{ event }}' OR t = '${x}' OR t = '@start_date' OR t <> '{a}')"
    )
    columns = {**MAPPING, "reward_type": "bool"}
    shown = read_body(
        alice.post("/warehouse/preview", {"sql": sql, "column_mapping": columns})
    )
    metric = {"name": "won", "sql": sql, "column_mapping": columns}
    saved = read_body(alice.post("/warehouse/metrics", metric))

    for warnings in (shown["warnings"], saved["warnings"]):
        told = [text for text in warnings if "parameter of another program" in text]
        assert [text.split("'")[1] for text in told] == [
            "{{ event }}",
            "${x}",
            "@start_date",
        ]
