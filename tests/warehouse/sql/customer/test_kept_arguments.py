"""No call loses an argument: it is refused, or written with all of them."""

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.customer import check

LOST = [
    ("postgres", "array_agg(a, b)"), ("postgres", "substring(a, 1, 2, 3)"),
    ("postgres", "ceil(a, 1, 2)"),
    ("snowflake", "mod(a, b, c)"), ("snowflake", "array_size(a, b)"),
    ("snowflake", "bitand(a, 1, 2, 3)"), ("snowflake", "substring(a, 1, 2, 3)"),
    ("bigquery", "mod(a, b, c)"), ("bigquery", "array_agg(a, b)"),
    ("bigquery", "floor(a, (SELECT MAX(1)), 2)"), ("bigquery", "max_by(a, b, c)"),
    ("bigquery", "sha256(a, b)"), ("bigquery", "translate(a, b, c, d)"),
    ("bigquery", "make_interval(month => 1, 2)"),
]  # fmt: skip
KEPT = [
    ("bigquery", "INITCAP(a, ' ')", "INITCAP(`a`, ' ')"),
    ("bigquery", "INITCAP(a)", "INITCAP(`a`)"),
    ("bigquery", "MAKE_INTERVAL(1, 2, day => 3)", "MAKE_INTERVAL(1, 2, day => 3)"),
    ("bigquery", "TO_HEX(MD5(a))", "TO_HEX(MD5(`a`))"),
    ("snowflake", "INITCAP(a, ' ')", """INITCAP("A", ' ')"""),
    ("postgres", "initcap(a)", 'INITCAP("a")'),
]
MALFORMED = [
    ("bigquery", "DATE_ADD(a)"), ("bigquery", "REGEXP_EXTRACT(a)"),
    ("bigquery", "REGEXP_REPLACE(a, 'b')"), ("postgres", "VAR_MAP(a)"),
    ("snowflake", "J_S_O_N_OBJECT(a)"),
]  # fmt: skip


@pytest.mark.parametrize(("dialect", "call"), LOST)
def test_a_call_that_would_lose_an_argument_is_refused(dialect: str, call: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(f"SELECT 1,\n{call}", dialect, managed=False)

    name = call.split("(", maxsplit=1)[0]
    assert refusal.value.reason == (
        f"The function {name} is allowed with fewer arguments alone (line 2): leave out"
        " the last."
    )


@pytest.mark.parametrize(
    ("argument", "advice"),
    [("days", "write day"), ("fortnight", "check the names of its arguments")],
)
def test_an_argument_by_an_unknown_name_is_refused(argument: str, advice: str) -> None:
    sql = f"SELECT 1,\n@start_date - Make_Interval({argument} => 3)"

    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, "bigquery", managed=False)

    assert refusal.value.reason == (
        f"The function Make_Interval has no argument {argument} (line 2): {advice}."
    )


@pytest.mark.parametrize(("dialect", "call", "text"), KEPT)
def test_all_arguments_are_written(dialect: str, call: str, text: str) -> None:
    checked = check.check_query(f"SELECT {call}", dialect, managed=False)

    assert checked.text == f"SELECT {text}"


@pytest.mark.parametrize(("dialect", "call"), MALFORMED)
def test_a_call_that_cannot_be_read_is_refused(dialect: str, call: str) -> None:
    with pytest.raises(RefusedError):
        check.check_query(f"SELECT {call}", dialect, managed=False)
