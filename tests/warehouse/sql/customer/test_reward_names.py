"""Which rewards a metric's query can depend on, by their names."""

import pytest

from warehouse.sql.customer import check


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT anonymous_id FROM managed_dw.rewards WHERE name = 'a'", ("a",)),
        ("SELECT anonymous_id FROM managed_dw.rewards AS r WHERE (r.name IN ('b', 'a') AND r.value > 1)", ("a", "b")),
        ("SELECT anonymous_id FROM managed_dw.rewards WHERE value > 1 AND rewards.name = 'a'", ("a",)),
        ("WITH x AS (SELECT * FROM managed_dw.rewards WHERE name = 'z') SELECT anonymous_id FROM x", ("z",)),
        ("SELECT a.anonymous_id FROM managed_dw.rewards a LEFT JOIN managed_dw.rewards b USING (anonymous_id) WHERE a.name = 'x' AND b.name = 'y'", ("x", "y")),
        ("SELECT anonymous_id FROM managed_dw.rewards WHERE name = 'a' UNION ALL SELECT anonymous_id FROM managed_dw.rewards WHERE name = 'b'", ("a", "b")),
        ("SELECT anonymous_id FROM managed_dw.rewards a WHERE name = 'a' AND NOT EXISTS (SELECT 1 FROM managed_dw.rewards b WHERE b.name = 'refund')", ("a", "refund")),
        ("SELECT anonymous_id FROM managed_dw.exposures", ()),
    ],
)  # fmt: skip
def test_names_that_each_read_of_the_rewards_requires(
    sql: str, names: tuple[str, ...]
) -> None:
    assert check.check_query(sql).reward_names == names


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT anonymous_id FROM managed_dw.rewards",
        "SELECT anonymous_id FROM managed_dw.rewards WHERE name = 'a' OR value > 3",
        "SELECT anonymous_id FROM managed_dw.rewards WHERE NOT name = 'a'",
        "SELECT anonymous_id FROM managed_dw.rewards WHERE lower(name) = 'a'",
        "SELECT anonymous_id FROM managed_dw.rewards WHERE name LIKE 'a%'",
        "SELECT anonymous_id FROM managed_dw.rewards WHERE name = anonymous_id",
        "SELECT anonymous_id FROM managed_dw.rewards WHERE name NOT IN ('a')",
        "SELECT anonymous_id FROM managed_dw.rewards WHERE name IN (SELECT variant FROM managed_dw.exposures)",
        "SELECT a.anonymous_id FROM managed_dw.rewards a, managed_dw.rewards b WHERE a.name = 'z'",
        "SELECT a.anonymous_id FROM managed_dw.rewards a JOIN (SELECT 'x' AS name) b ON true WHERE b.name = 'x'",
        "SELECT a.anonymous_id FROM managed_dw.rewards a LEFT JOIN managed_dw.rewards b ON b.name = 'y' WHERE a.name = 'x'",
        "SELECT anonymous_id FROM managed_dw.rewards WHERE EXISTS (SELECT 1 FROM managed_dw.exposures WHERE rewards.name = 'x')",
    ],
)
def test_any_name_where_a_read_does_not_require_one(sql: str) -> None:
    assert check.check_query(sql).reward_names is None
