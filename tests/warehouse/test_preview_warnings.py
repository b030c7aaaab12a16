"""The warnings of a preview, and when there are none."""

from dataclasses import replace

import pytest

from warehouse import flag_warnings, preview_warnings
from warehouse.backends.query_results import MetricFacts, QueryResult, SourceFacts
from warehouse.sql.customer import check

SQL = "SELECT anonymous_id, timestamp_utc AS t, value FROM managed_dw.rewards"
MAPPING = {"anonymous_id": "anonymous_id", "timestamp": "t", "value": "value"}
METRIC = check.check_metric_query(f"{SQL} WHERE timestamp_utc >= @start_date", MAPPING)
SOURCE_MAPPING = {
    "anonymous_id": "who",
    "timestamp": "seen",
    "optimization_id": "experiment",
    "variant": "variant",
}
SOURCE = check.check_source_query(
    "SELECT * FROM app.shown WHERE seen >= @start_date", SOURCE_MAPPING, "postgres"
)
GOOD_FACTS = MetricFacts(
    rows=10,
    identified=10,
    users=8,
    matched_users=8,
    exposed_users=True,
    future=0,
    zoneless=False,
    numeric=10,
    values=5,
    repeated=0,
)


def test_a_good_metric_has_no_warnings() -> None:
    assert preview_warnings.list_metric_warnings(METRIC, GOOD_FACTS) == []
    assert preview_warnings.compute_match_rate(GOOD_FACTS) == 1.0


def test_each_fault_has_its_own_warning() -> None:
    faults = {
        "no rows": replace(GOOD_FACTS, rows=0),
        "None of 8 ids": replace(GOOD_FACTS, matched_users=0),
        "Only 25% of 8 ids": replace(GOOD_FACTS, matched_users=2),
        "no exposures yet": replace(GOOD_FACTS, exposed_users=False),
        "No row has an anonymous_id": replace(GOOD_FACTS, users=0),
        "lack anonymous_id or timestamp and do not count: 3": replace(
            GOOD_FACTS, identified=7
        ),
        "in the future: 2": replace(GOOD_FACTS, future=2),
        "read as UTC": replace(GOOD_FACTS, zoneless=True),
        "not a number: 4": replace(GOOD_FACTS, numeric=6),
        "All values are equal": replace(GOOD_FACTS, values=1),
        "every mapped column: 1": replace(GOOD_FACTS, repeated=1),
        "would match in lower case": replace(
            GOOD_FACTS, matched_users=0, alike_users=7
        ),
        "All timestamps are at midnight": replace(GOOD_FACTS, midnight=10),
        "outside of the years 1 to 9999: 2": replace(GOOD_FACTS, out_of_range=2),
        "anonymous_id is an empty text: 3": replace(GOOD_FACTS, empty_ids=3),
    }

    warnings = {
        name: preview_warnings.list_metric_warnings(METRIC, facts)
        for name, facts in faults.items()
    }

    assert [len(sentences) for sentences in warnings.values()] == [1] * len(faults)
    assert all(name in sentences[0] for name, sentences in warnings.items())


def test_a_match_hides_no_other_spelling_unless_hardly_any_is_left() -> None:
    facts = replace(GOOD_FACTS, users=1000, matched_users=900, alike_users=10)
    few = replace(facts, alike_users=9)

    [warning] = preview_warnings.list_metric_warnings(METRIC, facts)

    assert warning == (
        "90% of 1,000 ids match an exposure. 10 more would match in lower case and "
        "without blanks or quotes around."
    )
    assert preview_warnings.list_metric_warnings(METRIC, few) == []


@pytest.mark.parametrize(
    ("condition", "reads"),
    [
        ("t > now() - interval '7 days'", True),
        ("t > CURRENT_DATE", True),
        ("name = 'now'", False),
        ('"now" = 1', False),
    ],
)
def test_a_query_that_reads_the_clock_is_told(condition: str, *, reads: bool) -> None:
    sql = (
        'SELECT * FROM (SELECT anonymous_id, timestamp_utc AS t, 1 AS "now", name'
        " FROM managed_dw.rewards) AS q WHERE t >= @start_date AND "
    )
    metric = check.check_metric_query(
        sql + condition,
        {"anonymous_id": "anonymous_id", "timestamp": "t"},
    )

    warnings = preview_warnings.list_metric_warnings(metric, GOOD_FACTS)

    assert ["reads the current time" in each for each in warnings] == [True] * reads


@pytest.mark.parametrize(
    ("condition", "reads"),
    [
        ("age(seen) < interval '7 days'", True),
        ("age(seen, '2026-01-01') < interval '7 days'", False),
        ("seen > age(who, 'today')", True),
        ("seen > 'yesterday'", True),
        ("seen BETWEEN E' Yesterday 10:00 ' AND $$2026-01-01$$", True),
        ("seen > 'now'::text::timestamptz - interval '7 days'", True),
        ("seen::date >= 'today'::date - 7", True),
        ("seen::date = coalesce('tomorrow', other)", True),
        ("date_trunc('day', seen) IN ('today')", True),
        ("seen = ANY(ARRAY['today']::timestamptz[])", True),
        ("seen - 'now' < interval '7 days'", True),
        ("date('now') > day", True),
        ("tstzrange('yesterday', NULL) @> seen", True),
        ("seen <> 'today'", True),
        ("seen IS DISTINCT FROM 'today'", True),
        ("d - 'today' > -8", True),
        ("d = ANY('{today,yesterday}'::date[])", True),
        ("'[yesterday,tomorrow)'::tstzrange @> seen", True),
        ("nullif('today', seen) IS NULL", True),
        ("coalesce(seen, 'now') = other", True),
        ("greatest(seen, 'yesterday') = other", True),
        ("CASE WHEN a THEN seen ELSE 'now' END = other", True),
        ("lag(seen, 1, 'today') OVER () = other", True),
        ("seen + interval '1 day' = 'today'", True),
        ("name = 'today'", False),
        ("coalesce(name, 'now') = other", False),
        ("lag(name, 1, 'today') OVER () = other", False),
        ("name = ANY('{today}'::text[])", False),
        ("name IN ('today', 'now')", False),
        ("CASE name WHEN 'today' THEN 1 ELSE 0 END > 0", False),
        ("seen > 'nowhere'", False),
        ("other - 'now' = '{}'", False),
    ],
)
def test_postgres_clock_in_a_text_or_in_age_is_told(
    condition: str, *, reads: bool
) -> None:
    sql = f"SELECT * FROM app.shown WHERE seen >= @start_date AND {condition}"  # noqa: S608 - the test's own text
    source = check.check_source_query(sql, SOURCE_MAPPING, "postgres")
    facts = SourceFacts(9, 9, 9, 0, zoneless=False, no_objects=0, optimizations=1)

    warnings = preview_warnings.list_source_warnings(source, facts)

    assert warnings == [preview_warnings.CURRENT_TIME] * reads


def test_the_managed_store_is_told_of_a_clock_in_a_text() -> None:
    sql = f"{SQL} WHERE timestamp_utc >= @start_date AND timestamp_utc > 'today'"
    metric = check.check_metric_query(sql, MAPPING)

    warnings = preview_warnings.list_metric_warnings(metric, GOOD_FACTS)

    assert warnings == [preview_warnings.CURRENT_TIME]


def test_a_missing_start_date_is_the_last_warning() -> None:
    metric = check.check_metric_query(SQL, MAPPING)

    warnings = preview_warnings.list_metric_warnings(
        metric, replace(GOOD_FACTS, future=1)
    )

    assert ["@start_date" in warning for warning in warnings] == [False, True]


@pytest.mark.parametrize(
    ("values", "no", "yes"),
    [
        ([True, False, None], "false", "true"),
        ([0, 1, 0], "0", "1"),
        ([1.0, 0.0], "0", "1"),
        (["1.000000000", "0"], "0", "1.000000000"),
        ([0, 0, 0], "0", "1"),
        (["0.00", "1.00"], "0.00", "1.00"),
        ([0, 100], "0", "100"),
        ([-1, 1], "-1", "1"),
        ([100, 100], None, None),
        ([0, 5], None, None),
        (["Yes", " no "], "' no '", "Yes"),
        (["Y", "N"], "N", "Y"),
        (["N", "n", "Y"], "N or n", "Y"),
        (["No"], "No", "Yes"),
        (["t", "f"], "f", "t"),
        (["FALSE", "true"], "FALSE", "true"),
        ([1, 1], None, None),
        ([True, True], None, None),
        ([0, 1, 2], None, None),
        (["no", "maybe"], None, None),
        ([0, False], None, None),
        ([True, None], "NULL", "true"),
        ([None, 1], "NULL", "1"),
        (["YES", ""], "an empty text", "YES"),
        ([None, "", "yes"], "NULL or an empty text", "yes"),
        (["off", "on"], "off", "on"),
        (["on", None], "NULL", "on"),
        (["maybe", None], None, None),
        ([2, None], None, None),
        ([1, True, None], None, None),
        (["", None], None, None),
        ([None, None], None, None),
        ([], None, None),
    ],
)
def test_a_column_of_yes_and_no_is_told_where_every_row_counts(
    values: list[object], no: str | None, yes: str | None
) -> None:
    rows = tuple(("ann", value) for value in values)
    result = QueryResult(("id", "won"), rows, truncated=False, elapsed_ms=1)

    warnings = flag_warnings.list_flag_warnings(result, {"anonymous_id": "id"})

    told = (
        f"Column 'won' is {no} in some rows, and every row counts as a conversion: "
        f"select the rows in which it is {yes}."
    )
    assert warnings == [told] * (no is not None)


def test_a_mapped_value_is_told_and_other_roles_are_not() -> None:
    result = QueryResult(("id", "won"), ((0, 0),), truncated=False, elapsed_ms=1)
    roles = {"anonymous_id": "id", "value": "won"}

    (warning,) = flag_warnings.list_flag_warnings(result, roles)

    assert "Column 'won' is 0" in warning


@pytest.mark.parametrize(
    ("values", "roles", "computed", "told"),
    [
        ([None, None], {"value": "won"}, (), True),
        ([None], {}, ("won",), True),
        ([None, None], {}, (), False),
        ([None, 7], {"value": "won"}, ("won",), False),
        ([None], {"name": "won"}, ("won",), False),
        ([], {"value": "won"}, ("won",), False),
    ],
)
def test_a_value_or_computed_column_of_nulls_alone_is_told(
    values: list[object],
    roles: dict[str, str],
    computed: tuple[str, ...],
    *,
    told: bool,
) -> None:
    rows = tuple(("ann", value) for value in values)
    result = QueryResult(("id", "won"), rows, truncated=False, elapsed_ms=1)

    warnings = flag_warnings.list_flag_warnings(
        result, {"anonymous_id": "id"} | roles, computed
    )

    assert (
        warnings
        == [flag_warnings.ALWAYS_NULL.format(column="won", rows="every row")] * told
    )


def test_a_sample_is_not_called_every_row() -> None:
    rows = (("ann", None), ("bob", None))
    result = QueryResult(("id", "won"), rows, truncated=True, elapsed_ms=1)

    (warning,) = flag_warnings.list_flag_warnings(result, {"value": "won"})

    assert warning.startswith("Column 'won' is NULL in each of the first 2 rows, and")


def test_a_metric_whose_ids_are_all_equal_is_told() -> None:
    facts = replace(GOOD_FACTS, users=1, matched_users=1)

    warnings = preview_warnings.list_metric_warnings(METRIC, facts)
    of_one_row = replace(facts, rows=1, identified=1, numeric=1, values=1)

    assert warnings == [preview_warnings.ONE_USER.format(rows=10)]
    assert preview_warnings.list_metric_warnings(METRIC, of_one_row) == []


def test_a_source_without_an_optimization_or_with_one_user_alone_is_told() -> None:
    facts = SourceFacts(9, 9, 1, 0, zoneless=False, no_objects=0, optimizations=0)

    warnings = preview_warnings.list_source_warnings(SOURCE, facts)
    of_one_row = preview_warnings.list_source_warnings(
        SOURCE, replace(facts, rows=1, identified=1, optimizations=1)
    )

    assert warnings == [
        preview_warnings.NO_OPTIMIZATIONS,
        preview_warnings.ONE_USER.format(rows=9),
    ]
    assert of_one_row == []


def test_a_source_whose_context_is_no_json_is_told() -> None:
    facts = SourceFacts(9, 9, 9, 0, zoneless=False, no_objects=0, optimizations=1)

    (warning,) = preview_warnings.list_source_warnings(
        SOURCE, replace(facts, no_contexts=4)
    )

    assert preview_warnings.list_source_warnings(SOURCE, facts) == []
    assert warning.startswith("Rows whose context is not a JSON object: 4.")


def test_a_source_whose_times_are_all_midnights_is_told() -> None:
    facts = SourceFacts(9, 9, 9, 0, zoneless=False, no_objects=0, optimizations=1)

    warnings = [
        preview_warnings.list_source_warnings(SOURCE, replace(facts, midnight=rows))
        for rows in (8, 9)
    ]

    assert warnings == [[], [preview_warnings.SOURCE_MIDNIGHT]]


def test_a_source_that_reads_all_rows_or_the_clock_is_told() -> None:
    facts = SourceFacts(9, 9, 9, 0, zoneless=False, no_objects=0, optimizations=1)
    source = check.check_source_query(
        "SELECT * FROM app.shown WHERE seen >= now() - interval '7 days'",
        SOURCE_MAPPING,
        "postgres",
    )

    warnings = preview_warnings.list_source_warnings(source, facts)

    assert warnings == [
        preview_warnings.MISSING_START_DATE.format(
            condition="add a condition like `seen >= @start_date`."
        ),
        preview_warnings.CURRENT_TIME,
    ]
    assert preview_warnings.list_source_warnings(source, replace(facts, rows=0)) == [
        preview_warnings.NO_ROWS,
        *warnings,
    ]
