"""The cost of a plan, by the lines that Postgres explains."""

from collections.abc import Iterator

import pytest

from warehouse.backends.query_plans import read_plan_cost
from warehouse.sql.customer import check

PLAIN = check.check_query("SELECT a FROM t", managed=False, schema="app")
LIMITED = check.check_query("SELECT a FROM t LIMIT 9", managed=False, schema="app")
TOP = "Limit  (cost=0.00..{cost} rows={rows} width=4)"
BELOW = "  ->  Nested Loop  (cost=0.00..5000.50 rows=100000000000 width=4)"
DEEPER = "        ->  Seq Scan on a  (cost=0.00..70000.00 rows=2 width=4)"


def test_the_first_line_tells_the_cost_and_no_other_is_read() -> None:
    def explain() -> Iterator[str]:
        yield "Seq Scan on t  (cost=0.10..12.50 rows=10 width=4)"
        pytest.fail("a second line was read")

    assert read_plan_cost(PLAIN, explain()) == 12.5


@pytest.mark.parametrize(
    ("rows", "cost"), [(1_000_000_000, 5000.5), (1_000_000, 3.0), (1, 3.0)]
)
def test_below_a_limit_of_many_rows_the_whole_counts(rows: int, cost: float) -> None:
    lines = [TOP.format(cost="3.00", rows=rows), BELOW, DEEPER]

    assert read_plan_cost(LIMITED, lines) == cost


def test_an_inner_limit_is_found_and_its_parameters_are_not_its_rows() -> None:
    lines = [
        "Aggregate  (cost=7.00..8.00 rows=1 width=8)",
        "  ->  Limit  (cost=0.00..6.00 rows=2000000 width=4)",
        "          InitPlan 1",
        "            ->  Seq Scan on b  (cost=0.00..900.00 rows=2 width=4)",
        "        ->  Nested Loop  (cost=0.00..500.00 rows=100000000000 width=4)",
        "              ->  Seq Scan on a  (cost=0.00..600.00 rows=2 width=4)",
    ]

    assert read_plan_cost(LIMITED, lines) == 500.0
