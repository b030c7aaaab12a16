"""The text that runs on BigQuery returns the rows of the text that was written.

Google's own analyzer and reference engine run both.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.zetasql_engine import Engine
from warehouse.sql.customer import check

FOLDER = Path(__file__).parent / "bigquery"
START_DATE = datetime(2026, 1, 1, tzinfo=UTC)


def read_statements() -> list[str]:
    """Return the statements of statements.sql; a semicolon ends a line and a statement."""
    lines = (FOLDER / "statements.sql").read_text().splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("-- "))
    return [
        part.strip()
        for part in re.split(r";$", text, flags=re.MULTILINE)
        if part.strip()
    ]


STATEMENTS = read_statements()


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Make the tables of the statements in Google's engine."""
    engine = Engine("ds", START_DATE)
    text = (FOLDER / "tables.sql").read_text()
    for part in re.split(r"^-- table ", text, flags=re.MULTILINE)[1:]:
        name, query = part.split("\n", maxsplit=1)
        engine.add_table(name, query.strip().removesuffix(";"))
    return engine


@pytest.mark.parametrize("sql", STATEMENTS)
def test_the_regenerated_text_returns_the_same_rows(engine: Engine, sql: str) -> None:
    text = check.check_query(sql, "bigquery").text

    assert engine.run(text) == engine.run(sql)


def test_the_statements_are_many_and_differ() -> None:
    assert len(set(STATEMENTS)) == len(STATEMENTS) >= 150
