"""The acceptance benchmark counts single read statements, and groups refusals."""

from pathlib import Path

import pytest

from benchmarks.acceptance import statements, templates
from benchmarks.acceptance.__main__ import judge_statement, print_verdicts
from benchmarks.acceptance.statements import Statement, find_statements


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


def list_verdicts(folder: Path, dialect: str) -> dict[str, str | None]:
    """Return why each statement below a folder does not count, by its text."""
    return {
        statement.text: judge_statement(statement, dialect).statement.excluded
        for statement in find_statements(folder, dialect)
    }


def test_each_different_read_counts_once_wherever_it_stands(tmp_path: Path) -> None:
    write(tmp_path, "a.sql", "-- first\nSELECT 1;\nSELECT 2 -- second\n;;")
    write(tmp_path, "b.SQL", "SELECT\n  1")
    write(tmp_path, "c.md", "# Page\n```sql\nSELECT 3\n```\n```python\nSELECT 4\n```\n")

    found = find_statements(tmp_path, "bigquery")

    assert [(each.path.name, each.line, each.text) for each in found] == [
        ("a.sql", 2, "SELECT 1"),
        ("a.sql", 3, "SELECT 2"),
        ("c.md", 3, "SELECT 3"),
    ]


def test_what_is_no_single_read_is_not_counted(tmp_path: Path) -> None:
    write(tmp_path, "a.sql", "DECLARE x INT64; SELECT x")
    write(tmp_path, "b.sql", "CREATE TABLE ds.t AS SELECT 1; SELECT 5")
    write(tmp_path, "c.sql", "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a")
    write(tmp_path, "d.sql", "SELECT 6 FROM {{ dbt_utils.star('x') }}")
    write(tmp_path, "e.sql", "SELECT 7 FROM ds.t WHERE d > @from_date")
    write(tmp_path, "f.sql", "SELECT 8 FROM ds.t WHERE GROUP BY 1")
    write(tmp_path, "g.sql", "SELECT WIDTH_BUCKET(a, 0, 9, 3) FROM ds.t")
    write(tmp_path, "h.sql", "SELECT own_function(a) FROM ds.t")

    verdicts = list_verdicts(tmp_path, "bigquery")

    assert verdicts == {
        "DECLARE x INT64": statements.IS_NO_READ,
        "SELECT x": statements.IS_SCRIPT,
        "CREATE TABLE ds.t AS SELECT 1": statements.IS_NO_READ,
        "SELECT 5": None,
        "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a": statements.IS_NO_READ,
        "SELECT 6 FROM {{ dbt_utils.star('x') }}": statements.IS_TEMPLATE,
        "SELECT 7 FROM ds.t WHERE d > @from_date": "a parameter of another program",
        "SELECT 8 FROM ds.t WHERE GROUP BY 1": "broken text",
        "SELECT WIDTH_BUCKET(a, 0, 9, 3) FROM ds.t": (
            "a function that the warehouse has not"
        ),
        "SELECT own_function(a) FROM ds.t": None,
    }


def test_simple_templates_are_filled_in_and_lines_keep_their_numbers() -> None:
    text = """{{ config(
  materialized='incremental') }}
{# a note #}
select * from {{ ref('orders') }} join {{ source("shop", 'users') }} using (id)
where day > '{{ var('since', '2026-01-01') }}'
{% if is_incremental() %}
  and day > (select max(day) from {{ this }})
{% else %}
  and true
{% endif %}"""

    filled_in = templates.fill_in(text)

    assert filled_in.split("\n")[3:5] == [
        "select * from dbt.orders join shop.users using (id)",
        "where day > '2026-01-01'",
    ]
    assert "max(day)" not in filled_in
    assert templates.fill_in("`{{ PROJECT }}.t_${DAY}`") == "`PROJECT.t_DAY`"
    assert filled_in.split("\n")[8].strip() == "and true"


def test_refusals_are_grouped_by_their_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    texts = ("SELECT RAND()", "SELECT 1,\n RAND()", "SELECT 1")
    verdicts = [
        judge_statement(Statement(Path("a.sql"), 1, text), "bigquery") for text in texts
    ]

    print_verdicts(Path("shop"), verdicts, is_listing=True)

    printed = capsys.readouterr().out
    assert "shop: 3 counted, 1 accepted (33.3%)" in printed
    assert "refused: 2 times: The function RAND is not allowed" in printed
    assert "a.sql:1 The function RAND is not allowed (line 2)" in printed
