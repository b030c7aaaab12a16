"""Whatever a check lets through reads own rows alone: statements drawn from a grammar."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import sqlglot
from hypothesis import given, settings, strategies as st
from sqlglot import exp

from warehouse.sql import RefusedError
from warehouse.sql.customer import check, dialects
from warehouse.sql.shapes import CheckedQuery

ACCEPTED_SHARE = 0.8  # of the grammar's statements: accepted, and they read a table


@dataclass(frozen=True)
class Grammar:
    """Pieces of statements in one dialect, for the managed store or for a warehouse.

    `rows` stand in FROM and are no tables. One piece in 60 is of those that must be
    refused: `foreign` in FROM, `refused` among the columns.
    """

    dialect: str
    is_managed: bool
    tables: tuple[str, ...]
    rows: tuple[str, ...]
    foreign: tuple[str, ...]
    scalars: tuple[str, ...]
    refused: tuple[str, ...]
    row_functions: tuple[str, ...] = ()
    is_recursive: bool = False

    def check(self, sql: str) -> CheckedQuery:
        """Check a statement as the store or the connection would."""
        schema = None if self.is_managed else "app"
        return check.check_query(
            sql, self.dialect, managed=self.is_managed, schema=schema, database="shop"
        )


SCALARS = ("id", "'x'", "1", "count(*)", "@start_date", "coalesce(name, 'x')")
MANAGED = Grammar(
    dialect="postgres",
    is_managed=True,
    tables=("managed_dw.rewards", "managed_dw.exposures"),
    rows=(
        "jsonb_each('{}') AS j", "unnest(ARRAY[1]) AS u", "(VALUES (1), (2)) AS v(n)",
        "LATERAL (SELECT name FROM managed_dw.rewards) AS l",
        "LATERAL (VALUES ((SELECT max(value) FROM managed_dw.rewards))) AS w(n)",
        "LATERAL jsonb_each((SELECT properties FROM managed_dw.rewards LIMIT 1)) AS k",
        "generate_series(1, (SELECT 3 FROM managed_dw.rewards)) AS g",
    ),
    foreign=(
        "pg_class", "rewards", "public.decisions", "pg_sleep(1)", "LATERAL now()",
        "LATERAL (SELECT 1 FROM pg_class) AS l", "LATERAL pg_ls_dir('/') AS l",
        "jsonb_each((SELECT to_jsonb(c) FROM pg_class AS c LIMIT 1)) AS j",
        "(VALUES ((SELECT 1 FROM pg_authid))) AS v(n)", "shop.managed_dw.rewards",
        "(WITH RECURSIVE q AS (SELECT 1 FROM pg_class UNION SELECT 1 FROM q) SELECT 1 FROM q) AS q",
    ),
    scalars=(
        *SCALARS, "now()", '"a"', "(ARRAY['a', 'b'])[1:2]", "tags[:2]", "p ? name",
        "(x).name", "((x).place).lat", "(SELECT (r).name FROM managed_dw.rewards AS r LIMIT 1)",
        "repeat(name, 3)",
    ),
    refused=(
        "pg_sleep(1)", "'x'::regclass", "$1", "current_user", "", "1 FOR UPDATE",
        "('/etc/passwd').pg_read_file(1)", "(SELECT passwd FROM pg_shadow)",
        "(x).f(1)", "tags[(SELECT 1 FROM pg_class):2]", "repeat('x', 1000000)",
    ),
    row_functions=("jsonb_each(", "generate_series("),
    is_recursive=True,
)  # fmt: skip
CONNECTED = replace(
    MANAGED,
    is_managed=False,
    tables=("app.rewards", "shop.app.exposures", "visits", '"Mixed"."Case"'),
    rows=tuple(row.replace("managed_dw", "app") for row in MANAGED.rows),
    foreign=(
        "pg_catalog.pg_class", "information_schema.tables", "pg_sleep(1)",
        "other.app.rewards", "ONLY app.rewards", "LATERAL now()", "pg_toast.x",
        "LATERAL (SELECT 1 FROM pg_catalog.pg_class) AS l",
    ),
    scalars=tuple(scalar.replace("managed_dw", "app") for scalar in MANAGED.scalars),
    refused=tuple(scalar.replace("pg_class", "pg_catalog.x") for scalar in MANAGED.refused if "shadow" not in scalar),
)  # fmt: skip
SNOWFLAKE = Grammar(
    dialect="snowflake",
    is_managed=False,
    tables=("app.rewards", "shop.app.exposures", "visits", '"Mixed"."Case"'),
    rows=(
        "LATERAL FLATTEN(INPUT => x.v) AS f", "(VALUES (1), (2)) AS v(n)",
        "LATERAL (SELECT 1 FROM app.rewards) AS l",
    ),
    foreign=(
        "information_schema.tables", "snowflake.account_usage.users", "@stage",
        "TABLE(f(1))", "app.rewards AT(OFFSET => -60)", "IDENTIFIER('x')",
        "LATERAL (SELECT 1 FROM information_schema.tables) AS l",
    ),
    scalars=(*SCALARS, "x.v:key::string", "v[0]", "IFF(id = 1, 2, 3)"),
    refused=("SYSTEM$WAIT(1)", "my_function(1)", "seq.nextval", "CURRENT_USER()", "$1"),
)  # fmt: skip
BIGQUERY = Grammar(
    dialect="bigquery",
    is_managed=False,
    tables=("app.rewards", "`shop.app.exposures`", "visits", "shop.app.`visits_*`"),
    rows=("UNNEST([1, 2]) AS u", "UNNEST((SELECT ARRAY_AGG(x) FROM app.rewards)) AS w"),
    foreign=(
        "app.INFORMATION_SCHEMA.TABLES", "`region-us`.INFORMATION_SCHEMA.JOBS",
        "app.__TABLES__", "EXTERNAL_QUERY('c', 'SELECT 1')", "app.f(1)",
        "UNNEST((SELECT [1] FROM app.INFORMATION_SCHEMA.TABLES)) AS w",
    ),
    scalars=(*SCALARS, "a[OFFSET(0)]", "x.field.name", "SAFE_CAST(id AS INT64)"),
    refused=("app.remote(1)", "SESSION_USER()", "@@project_id", "ERROR('x')", "RAND()"),
)  # fmt: skip
GRAMMARS = {
    "managed store": MANAGED,
    "connected Postgres": CONNECTED,
    "Snowflake": SNOWFLAKE,
    "BigQuery": BIGQUERY,
}


class Writer:
    """Writes one statement by a grammar, with the draws of hypothesis."""

    def __init__(self, draw: st.DrawFn, grammar: Grammar) -> None:
        self.draw = draw
        self.grammar = grammar

    def choose(self, good: tuple[str, ...], bad: tuple[str, ...]) -> str:
        """Draw a piece, one time in 60 of those that must be refused."""
        is_good = self.draw(st.integers(1, 60)) < 60
        return self.draw(st.sampled_from(good if is_good else bad))

    def write_scalar(self) -> str:
        """Write a value without a query."""
        return self.choose(self.grammar.scalars, self.grammar.refused)

    def write_nested(self, often: int, depth: int, named: tuple[str, ...]) -> str:
        """Write a query in parentheses, once in `often` times; otherwise nothing."""
        if not depth or self.draw(st.integers(1, often)) < often:
            return ""
        return f"({self.write_query(depth - 1, named)})"

    def write_source(self, depth: int, named: tuple[str, ...]) -> str:
        """Write what may stand in FROM."""
        if nested := self.write_nested(3, depth, named):
            return f"{nested} AS x"
        rows = (*self.grammar.tables * 2, *named, *self.grammar.rows[:2])
        return self.choose((*rows, *self.grammar.rows), self.grammar.foreign)

    def write_with(self, name: str, depth: int, named: tuple[str, ...]) -> str:
        """Write a WITH clause of one query, or nothing."""
        nested = self.write_nested(3, depth, named)
        if not nested or not self.grammar.is_recursive or self.draw(st.booleans()):
            return f"WITH {name} AS {nested}" if nested else ""
        source = self.write_source(0, (*named, name))
        first = "AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM"
        words = ("WITH RECURSIVE", name, first, name, "JOIN", source, "ON n < 9)")
        return " ".join(words)

    def write_query(self, depth: int = 2, named: tuple[str, ...] = ()) -> str:
        """Write a query that may read the WITH queries `named`."""
        name = self.draw(st.sampled_from(["a", "b"]))
        words = [self.write_with(name, depth, named)]
        named = (*named, name) if words[0] else named
        words += ["SELECT", self.write_nested(6, depth, named) or self.write_scalar()]
        if self.draw(st.booleans()):
            words += [",", self.write_scalar()]
        words += ["FROM", self.draw(st.sampled_from(self.grammar.tables)), "AS x"]
        if self.draw(st.booleans()):
            source = self.write_source(depth, named)
            words += ["JOIN", source, "ON", self.write_scalar(), "= 'x'"]
        for clause in ("WHERE EXISTS", "UNION ALL"):
            if nested := self.write_nested(6, depth, named):
                words += [clause, nested]
        return " ".join(words).strip()


@st.composite
def queries(draw: st.DrawFn, grammar: Grammar) -> str:
    """Write a query by a grammar."""
    return Writer(draw, grammar).write_query()


REFUSED_TEXTS = (
    *("pg_sleep(", "pg_read_file(", "as regclass", "my_function(", "remote("),
    *("account_usage", "information_schema", "pg_authid", "pg_shadow"),
)


@pytest.mark.parametrize("name", GRAMMARS)
@given(data=st.data())
def test_whatever_is_let_through_reads_own_rows_alone(
    name: str, data: st.DataObject
) -> None:
    grammar = GRAMMARS[name]
    try:
        checked = grammar.check(data.draw(queries(grammar)))
    except RefusedError:
        return
    assert_reads_own_rows_alone(checked, grammar)


def assert_reads_own_rows_alone(checked: CheckedQuery, grammar: Grammar) -> None:
    """Judge the tree of a checked query, not its text."""
    rules = dialects.get_dialect(grammar.dialect)
    query = sqlglot.parse_one(checked.text, dialect=rules.grammar)

    for table in query.find_all(exp.Table):
        if isinstance(table.this, exp.Func):
            call = table.this.sql(grammar.dialect).lower()
            assert call.startswith(grammar.row_functions), checked.text
        elif not table.db:
            assert table.name in list_with_queries(table), checked.text
        elif grammar.is_managed:
            assert is_scoped(table), checked.text
        else:
            name = ".".join(part.name for part in table.parts)
            assert name in checked.tables, checked.text
            assert not rules.is_system(table.db.lower()), checked.text
    for refused in REFUSED_TEXTS:
        assert refused not in checked.text.lower(), checked.text


def list_with_queries(node: exp.Expr) -> Iterator[str]:
    """Yield the names of all WITH queries around a node."""
    parent = node.parent
    while parent is not None:
        clause = parent if isinstance(parent, exp.With) else parent.args.get("with_")
        yield from (cte.alias for cte in clause.expressions) if clause else ()
        parent = parent.parent


def is_scoped(table: exp.Table) -> bool:
    """Whether a table is all that its SELECT reads, filtered by the organization."""
    select = table.find_ancestor(exp.Select)
    if select is None or select.args["from_"].this is not table:
        return False
    own = sqlglot.parse_one('"organization_id" = $1', dialect="postgres")
    condition = select.args["where"].this
    every = [*condition.flatten()] if isinstance(condition, exp.And) else [condition]
    return own in every and not select.args.get("joins")


@pytest.mark.parametrize("name", GRAMMARS)
def test_most_statements_of_the_grammar_are_valid_and_read_tables(name: str) -> None:
    grammar = GRAMMARS[name]
    are_telling = []

    @settings(max_examples=120, derandomize=True, database=None)
    @given(queries(grammar))
    def judge(sql: str) -> None:
        try:
            are_telling.append(bool(grammar.check(sql).tables))
        except RefusedError:
            are_telling.append(False)

    judge()
    assert sum(are_telling) >= ACCEPTED_SHARE * len(are_telling)


PIECES = st.sampled_from(
    [
        *("SELECT", "FROM", "WHERE", "WITH", "AS", "(", ")", ",", ";", "*", "\n"),
        *("managed_dw.rewards", "managed_dw.exposures", "pg_class", "a", "rewards"),
        *("'x'", '"a"', "@start_date", "$1", "--", "/*", "*/", "$$", "E'", "UNION"),
        *("ALL", "1", "=", "::", "regclass", "pg_sleep(1)", "JOIN", "ON", "true"),
        *("LATERAL", "AND", "now()", "a AS ( SELECT 1 )", "RECURSIVE", "[", ":", "]"),
        *("(a).b", "?"),
    ]
)


@given(st.lists(PIECES, max_size=14).map(" ".join))
def test_words_in_any_order_read_own_rows_alone_if_they_pass(sql: str) -> None:
    try:
        checked = MANAGED.check(f"SELECT {sql}")
    except RefusedError:
        return
    assert_reads_own_rows_alone(checked, MANAGED)
