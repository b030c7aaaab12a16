"""Published statements: what is accepted in each dialect, and the words of refusals."""

import pytest
import sqlglot

from tests.support import published_sql
from warehouse.sql import RefusedError
from warehouse.sql.customer import check, dialects
from warehouse.sql.shapes import CheckedQuery

ACCEPTED = [
    (dialect, sql)
    for dialect, statements in (
        ("postgres", published_sql.POSTGRES),
        ("snowflake", published_sql.SNOWFLAKE),
        ("bigquery", published_sql.BIGQUERY),
    )
    for sql in statements
]
REFUSED = [
    *(("postgres", sql, message) for sql, message in published_sql.REFUSED),
    *published_sql.REFUSED_ELSEWHERE,
]


def check_connected(sql: str, dialect: str) -> CheckedQuery:
    """Check a query on a connected warehouse whose database is `shop`."""
    return check.check_query(sql, dialect, managed=False, schema="app", database="shop")


@pytest.mark.parametrize(("dialect", "sql"), ACCEPTED)
def test_published_statements_are_accepted(dialect: str, sql: str) -> None:
    checked = check_connected(sql, dialect)

    grammar = dialects.get_dialect(dialect).grammar
    parsed = sqlglot.parse_one(checked.text, dialect=grammar)
    writer = dialects.get_dialect(dialect).writer
    assert parsed.sql(writer, identify=True) == checked.text
    assert checked.takes_start_date == ("@start_date" in sql)


@pytest.mark.parametrize(("dialect", "sql", "message"), REFUSED)
def test_a_refusal_names_construct_line_and_remedy(
    dialect: str, sql: str, message: str
) -> None:
    with pytest.raises(RefusedError) as refusal:
        check_connected(sql, dialect)

    assert refusal.value.reason == message


def test_bigquery_names_keep_their_case() -> None:
    text = check_connected(
        "WITH Daily AS (SELECT * FROM Orders) SELECT D.props.userId FROM DAILY AS D",
        "bigquery",
    ).text

    assert text == (
        "WITH `Daily` AS (SELECT * FROM `app`.`Orders`)"
        " SELECT `D`.`props`.`userId` FROM `Daily` AS `D`"
    )


def test_keys_of_a_snowflake_object_keep_their_case() -> None:
    text = check_connected("SELECT {'headLine': b} AS v FROM t", "snowflake").text

    assert "{'headLine': \"B\"}" in text


def test_types_of_a_customer_are_refused_on_the_managed_store() -> None:
    with pytest.raises(RefusedError, match=r"The type .*status is not allowed"):
        check.check_query("SELECT name::app.status FROM managed_dw.rewards")
