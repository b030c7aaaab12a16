# ruff: noqa: S608 - the texts of the tests are their own
"""A remedy covers one form of a call: of what goes beyond it there is no code.

What an author wrote is in the text that is advised, or there is none.
"""

from itertools import product

import pytest

from tests.support.refusal_advice import read_advice, read_remedy, refuse
from tests.support.remedy_calls import MORE, list_forms, write_call, write_longer_calls
from warehouse.sql import RefusedError
from warehouse.sql.customer import check
from warehouse.sql.customer.dialects import DIALECTS
from warehouse.sql.customer.messages import ADVICE
from warehouse.sql.customer.remedies import postgres_times

WITH_FORMS = [name for name, dialect in DIALECTS.items() if dialect.forms]
NOTHING = "has no one call of the same meaning for these arguments and clauses"


def uses(call: str, advice: str) -> bool:
    """Return whether an advice has what was added to a call."""
    # Another name keeps all behind it; IGNORE NULLS has an advice of its own.
    if not advice or advice.isidentifier() or advice == ADVICE["IGNORE NULLS"]:
        return True
    if advice.endswith(" behind the array"):  # what is said of OFFSET alone
        return True
    words = ("DISTINCT", "HAVING", "IGNORE NULLS", MORE)
    return all(word in advice for word in words[:1] + words[3:] if word in call) and (
        "IGNORE NULLS" not in call or "array_remove" in advice or MORE in advice
    )


@pytest.mark.parametrize("dialect", WITH_FORMS)
def test_what_goes_beyond_a_form_is_used_or_has_no_code(dialect: str) -> None:
    forms = list(list_forms(dialect))
    wrong = [
        (call, advice)
        for _, form in forms
        for call in write_longer_calls(form)
        if not uses(call, advice := read_remedy(call, dialect))
    ]

    assert len(forms) > 120
    assert wrong == []


@pytest.mark.parametrize("dialect", WITH_FORMS)
def test_most_forms_are_reached_by_a_call(dialect: str) -> None:
    forms = [form for _, form in list_forms(dialect)]
    reached = [form for form in forms if read_remedy(write_call(form), dialect)]

    assert len(reached) > 0.9 * len(forms)


def test_a_function_of_time_with_more_arguments_has_no_code() -> None:
    units = ("DAY", "'day'", "NANOSECOND", "FORTNIGHT")
    for name, unit in product(sorted(postgres_times.NAMES), units):
        for call in (
            f"{name}(a, b, {unit}, {MORE})",
            f"{name}({unit}, a, b, {MORE})",
            f"{name}({unit}, a, b) OVER (ORDER BY {MORE})",
        ):
            assert uses(call, read_remedy(call, "postgres")), call


@pytest.mark.parametrize("unit", ["NANOSECOND", "FORTNIGHT"])
@pytest.mark.parametrize("dialect", WITH_FORMS)
def test_an_unknown_unit_has_no_code(dialect: str, unit: str) -> None:
    for call in (f"DATEDIFF({unit}, a, b)", f"DATEADD({unit}, 1, a)"):
        assert read_remedy(call, dialect) == "", call


@pytest.mark.parametrize(
    ("dialect", "call"),
    [
        ("postgres", "LAG(a, 2) IGNORE NULLS OVER w"),
        ("postgres", "APPROX_QUANTILES(x, 4)"),
        ("postgres", "FORMAT_TIMESTAMP('%c', t)"),
        ("postgres", "TRY_TO_DATE(a, 'DD/MM/YYYY')"),
        ("postgres", "INSTR(a, 'b', -1)"),
        ("postgres", "DATEDIFF(nanosecond, a, b)"),
        ("postgres", "YEAR($$)$$)"),
        ("postgres", "YEAR(E'\\')')"),
        ("postgres", "YEAR(a /* ) */)"),
        ("bigquery", "DATEDIFF(nanosecond, a, b)"),
        ("bigquery", "SHA2(a, 384)"),
        ("bigquery", "REGEXP_LIKE(a, b, 'i')"),
        ("snowflake", "TIMESTAMP_TRUNC(a, DAY, 'UTC')"),
        ("snowflake", "INSTR(a, b, 1, 2)"),
        ("snowflake", "FORMAT_DATE('%B', a)"),
    ],
)
def test_a_form_without_a_remedy_is_told_apart(dialect: str, call: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(f"SELECT {call} FROM t", dialect, managed=False, schema="app")

    assert NOTHING in refusal.value.reason


@pytest.mark.parametrize(
    ("call", "advice"),
    [
        ("IFF(a > 1, b + 1, c)", "CASE WHEN (a > 1) THEN (b + 1) ELSE c END"),
        ("SAFE_DIVIDE(a + 1, f(b, 'x, y'))", "1.0 * (a + 1) / nullif(f(b, 'x, y'), 0)"),
        ("YEAR(@start_date)", "EXTRACT(YEAR FROM @start_date)"),
        ('ZEROIFNULL(t."A b")', 'coalesce(t."A b", 0)'),
        ("DATEADD(month, -3, d)", "d + (-3) * INTERVAL '1 month'"),
    ],
)
def test_a_remedy_has_the_values_of_the_call(call: str, advice: str) -> None:
    assert read_advice(call, "postgres") == advice


def test_a_function_of_a_schema_is_no_foreign_one() -> None:
    reason = refuse("SELECT app.nvl(a, b) FROM t", "postgres")

    assert reason.endswith("leave it out, or compute it by other functions.")
