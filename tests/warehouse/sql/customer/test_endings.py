# ruff: noqa: S608 - the texts of the tests are their own
"""A text that reads is accepted whatever it ends in, and ends in the same when it runs."""

import itertools

import pytest
from hypothesis import given, settings, strategies as st

from warehouse.sql import RefusedError
from warehouse.sql.customer import check
from warehouse.sql.preview import current_time, foreign_texts

STORES = (
    ("postgres", True, "managed_dw.rewards"),
    ("postgres", False, "app.rewards"),
    ("snowflake", False, "app.rewards"),
    ("bigquery", False, "app.rewards"),
)
STARTS = ("", "timestamp_utc >= @start_date AND ", "@start_date <= timestamp_utc\nAND ")
BEFORE = ("name = ", "name <> 'a$b' AND name = ", "name IN ('', '$') OR name = ")
# What the query ends in, and the text that it means.
ENDINGS = {"''": "", "'$'": "$", "'a$$'": "a$$", "'--'": "--"}
OWN_ENDINGS = {
    "postgres": {
        "''''": "'", "'a'''": "a'", "E''": "", "$$$$": "", "$a$''$a$": "''", "$$$1$$": "$1", "$ä_1$'$ä_1$": "'",
        "E'a\\\\'": "a\\", "'$b' || '$'": "$", "'\\'": "\\", "'\n\n'''": "\n\n'",
    },
    "snowflake": {"''''": "'", "'a'''": "a'", "$$$$": "", "$$'$$": "'", "'a\\\\'": "a\\"},
    "bigquery": {'""': "", '"\'"': "'", "r''": "", "''''''": "", "'a\\\\'": "a\\"},
}  # fmt: skip
AFTER = ("", ";", " ;\n", " -- an end", "\n/* '' */")


def _write_text(text: str, dialect: str) -> str:
    if dialect == "postgres":
        return "'" + text.replace("'", "''") + "'"
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@given(
    st.sampled_from(STORES).flatmap(
        lambda store: st.tuples(
            st.just(store),
            st.sampled_from(sorted(ENDINGS | OWN_ENDINGS[store[0]])),
        )
    ),
    *map(st.sampled_from, (STARTS, BEFORE, AFTER)),
)
@settings(max_examples=300)
def test_a_text_ends_as_it_was_written(
    drawn: tuple[tuple[str, bool, str], str], start: str, before: str, after: str
) -> None:
    (dialect, is_managed, table), ending = drawn
    sql = f"SELECT name FROM {table} WHERE {start}{before}{ending}{after}"
    meant = (ENDINGS | OWN_ENDINGS[dialect])[ending]

    query = check.check_query(sql, dialect, managed=is_managed)

    assert query.text.endswith(_write_text(meant, dialect))
    assert not current_time.reads_current_time(query)
    assert not foreign_texts.list_text_warnings(query)


@pytest.mark.parametrize(
    "ending", ["ORDER BY name || ''", "UNION ALL SELECT ''", "GROUP BY name, ''"]
)
def test_a_clause_ends_as_it_was_written(ending: str) -> None:
    sql = f"SELECT name FROM managed_dw.rewards {ending}"

    assert check.check_query(sql).text.endswith(ending.replace("name", '"name"'))


@pytest.mark.parametrize(
    ("before", "after"),
    list(
        itertools.product(["", "ts >= @start_date AND ", "a = '$' AND "], ["", " -- $"])
    ),
)
def test_a_refusal_behind_a_parameter_names_its_line(before: str, after: str) -> None:
    sql = f"SELECT a FROM t WHERE {before}b = ''\n\nAND foo(1) = 2{after}"

    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, managed=False, schema="app")

    assert refusal.value.reason.startswith("The function foo is not allowed (line 3)")


def test_a_parameter_of_postgres_is_named_with_its_line() -> None:
    with pytest.raises(RefusedError) as refusal:
        check.check_query("SELECT a\nFROM t\nWHERE a = $1\n\nAND b = ''")

    assert refusal.value.reason.startswith("The parameter $1 is unknown (line 3): ")
