# ruff: noqa: S608 - the texts of the tests are their own
"""A refusal says in which line what stands, and what to write instead."""

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.customer import check

ONE_PARAMETER = (
    "write @start_date for the start date, the only parameter that a query may have, and"
    " other values as they are."
)
TEMPLATE = "write names and values as they are, and @start_date for the start date."
DIALECTS = ("postgres", "snowflake", "bigquery")


def _refuse(sql: str, dialect: str) -> str:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, dialect, managed=False, schema="app")
    return refusal.value.reason


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("${start}", f"The template ${{start}} is not filled in here (line 2): {TEMPLATE}"),
        ("{{ start }}", f"The template {{{{ start }}}} is not filled in here (line 2): {TEMPLATE}"),
        ("{start}", f"The template {{start}} is not filled in here (line 2): {TEMPLATE}"),
        (":start", f"The parameter :start is unknown (line 2): {ONE_PARAMETER}"),
        ("%(start)s", f"The parameter %(start)s is unknown (line 2): {ONE_PARAMETER}"),
        ("@end_date", f"The parameter @end_date is unknown (line 2): {ONE_PARAMETER}"),
    ],
)  # fmt: skip
def test_a_parameter_of_another_program_is_named_with_start_date(
    dialect: str, written: str, message: str
) -> None:
    sql = f"SELECT a FROM t\nWHERE ts >= {written}"

    assert _refuse(sql, dialect) == message


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "text", ["@start_date", "{{ ds }}", "${start}", ":start", "%(start)s", "{start}"]
)
@pytest.mark.parametrize("before", [">=", "BETWEEN 1 AND 2 OR ts <", "> DATE"])
def test_a_parameter_in_quotes_is_no_time(dialect: str, text: str, before: str) -> None:
    reason = _refuse(f"SELECT a FROM t WHERE\n ts {before} '{text}'", dialect)

    assert reason == (
        f"The text '{text}' is no time (line 2): write @start_date without quotes for the"
        " start date, and other values as they are."
    )


@pytest.mark.parametrize(
    ("dialect", "literal", "remedy"),
    [
        ("postgres", "B'101'", "the number 5, or the text '101'"),
        ("postgres", "X'1F'", "the number 31, or decode('1F', 'hex') for bytes"),
        ("postgres", r"U&'d\0061t\+000061'", "the characters themselves, 'data',"),
        ("postgres", "N'data'", "the characters themselves, 'data',"),
        ("snowflake", "X'1F'", "the number 31, or TRY_HEX_DECODE_BINARY('1F') for bytes"),
    ],
)  # fmt: skip
def test_a_literal_of_another_form_is_refused_with_its_value(
    dialect: str, literal: str, remedy: str
) -> None:
    assert _refuse(f"SELECT 1,\n {literal} FROM t", dialect) == (
        f"The literal {literal} is not allowed (line 2): write {remedy} instead."
    )


@pytest.mark.parametrize(
    ("dialect", "value"),
    [
        ("postgres", "5, '101', decode('1F', 'hex'), 'data'"),
        ("snowflake", "31, TRY_HEX_DECODE_BINARY('1F')"),
        ("bigquery", "0x1F, b'101', FROM_HEX('1F')"),
    ],
)
def test_what_a_refusal_of_a_literal_advises_is_accepted(
    dialect: str, value: str
) -> None:
    sql = f"SELECT {value} FROM t"

    assert check.check_query(sql, dialect, managed=False, schema="app").text


@pytest.mark.parametrize("dialect", ["snowflake", "bigquery"])
@pytest.mark.parametrize("name", ["CORR", "Covar_Pop", "covar_samp"])
def test_distinct_pairs_are_refused_by_name(dialect: str, name: str) -> None:
    assert _refuse(f"SELECT 1,\n {name}(DISTINCT a, b) FROM t", dialect) == (
        f"DISTINCT in {name} is not allowed (line 2): keep each pair once in a WITH query,"
        f" SELECT DISTINCT a, b, and write {name}(a, b) over it."
    )


@pytest.mark.parametrize(
    ("dialect", "call", "amount"),
    [
        ("postgres", "NullIf(a)", "few"),
        ("snowflake", "Date_Trunc()", "few"),
        ("snowflake", "Contains(a)", "few"),
        ("bigquery", "Starts_With(a)", "few"),
        ("bigquery", "Sign(a, b)", "many"),
    ],
)
def test_a_call_with_a_wrong_number_of_arguments_is_named(
    dialect: str, call: str, amount: str
) -> None:
    name = call.partition("(")[0]
    reason = _refuse(f"SELECT 1,\n {call} FROM t", dialect)

    assert reason.startswith(
        f"The function {name} has too {amount} arguments (line 2): "
    )
