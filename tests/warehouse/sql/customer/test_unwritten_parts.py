"""A part of a query that sqlglot would leave out is refused, also where no rule knows it."""

import pytest
from sqlglot import exp

from warehouse.sql import RefusedError
from warehouse.sql.customer import check
from warehouse.sql.customer.rules import bigquery_rules, snowflake_rules

SQL = (
    "SELECT SUM(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES)"
    " FROM s.t"
)


@pytest.mark.parametrize(
    ("dialect", "title", "rules"),
    [
        ("bigquery", "BigQuery", bigquery_rules.RULES),
        ("snowflake", "Snowflake", snowflake_rules.RULES),
    ],
)
def test_a_part_that_no_rule_knows_is_not_left_out(
    monkeypatch: pytest.MonkeyPatch,
    dialect: str,
    title: str,
    rules: dict[type[exp.Expr], object],
) -> None:
    monkeypatch.delitem(rules, exp.WindowSpec)

    with pytest.raises(RefusedError) as refusal:
        check.check_query(SQL, dialect, managed=False)

    assert refusal.value.reason == (
        f"A part of the query has no form on {title} (EXCLUDE clause is not supported in"
        " the WINDOW clause): write it in another way, or in a view."
    )
