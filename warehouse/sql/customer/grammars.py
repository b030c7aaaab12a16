"""sqlglot's dialects, corrected where they misread or rename what customers write."""

from collections.abc import Callable
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.dialects.postgres import Postgres
from sqlglot.generator import Generator
from sqlglot.generators.bigquery import BigQueryGenerator
from sqlglot.generators.postgres import PostgresGenerator
from sqlglot.parsers.bigquery import BigQueryParser
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.tokenizer_core import TokenType
from typing_extensions import override

from warehouse.sql.customer import allowlist_postgres, negation
from warehouse.sql.customer.grammar_snowflake import CustomerSnowflake
from warehouse.sql.customer.kept_arguments import KeepsArguments, limit_arguments

# Functions of Postgres that keep their name: sqlglot writes some of them as another one,
# whose result has another name, type or path (`now` as CURRENT_TIMESTAMP, `date_part` as
# EXTRACT).
KEPT_FUNCTIONS = allowlist_postgres.FUNCTIONS | allowlist_postgres.TABLE_FUNCTIONS
LEFT_OUT = KEPT_FUNCTIONS | allowlist_postgres.FOREIGN_FUNCTIONS
# ... and of BigQuery: LOG10(x) and LOG(x, 10) differ in the last digit, INITCAP has a second
# argument, and what sqlglot makes of the format of a time is its own.
KEPT_BIGQUERY_FUNCTIONS = frozenset(
    {
        "contains_substr", "format_date", "format_datetime", "format_time",
        "format_timestamp", "initcap", "log10", "parse_date", "parse_datetime", "parse_time",
        "parse_timestamp",
    }
)  # fmt: skip
# Words that begin a type in other dialects and are plain names in Postgres, and a type that
# sqlglot writes as CHAR, which is CHAR(1).
PLAIN_WORDS = frozenset(
    {"BPCHAR", "LIST", "MAP", "NULLABLE", "OBJECT", "STRUCT", "VARIANT"}
).union(name.upper() for name in allowlist_postgres.FOREIGN_TYPES)
INTERVAL_UNITS = frozenset({"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"})


def _leave_out(
    functions: dict[str, Any], kept: frozenset[str] = LEFT_OUT
) -> dict[str, Any]:
    """Return sqlglot's functions without those that keep their own name."""
    return {
        name: parse for name, parse in functions.items() if name.lower() not in kept
    }


def _leave_out_token(parsers: dict[TokenType, Any], left_out: TokenType) -> Any:
    return {token: parse for token, parse in parsers.items() if token != left_out}


def _build_json_operator(node: type[exp.Expr]) -> Callable[..., exp.Expr]:
    """Build `->` with its key as it is written: sqlglot takes 'a.b' for a path."""
    return lambda parser, this, key: parser.expression(
        node(this=this, expression=key, only_json_types=True)
    )


class _Parser(KeepsArguments, PostgresParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {
        **_leave_out(PostgresParser.FUNCTIONS),
        "GENERATE_SERIES": exp.ExplodingGenerateSeries.from_arg_list,
    }
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = limit_arguments(
        _leave_out(PostgresParser.FUNCTION_PARSERS)
    )
    # Postgres has no lambdas: in `lower(j -> 'a')` the arrow reads a JSON object.
    LAMBDAS: ClassVar[dict[TokenType, Any]] = _leave_out_token(
        PostgresParser.LAMBDAS, TokenType.ARROW
    )
    # `list[1]` is an element of a column.
    ARRAY_CONSTRUCTORS: ClassVar[dict[str, type[exp.Func]]] = {"ARRAY": exp.Array}
    # In `array[:n]` the colon begins a slice. Parameters are refused before parsing.
    PLACEHOLDER_PARSERS: ClassVar[dict[TokenType, Any]] = _leave_out_token(
        PostgresParser.PLACEHOLDER_PARSERS, TokenType.COLON
    )
    JSON_OPERATORS: ClassVar[dict[TokenType, Any]] = {
        **PostgresParser.JSON_OPERATORS,
        TokenType.ARROW: _build_json_operator(exp.JSONExtract),
        TokenType.DARROW: _build_json_operator(exp.JSONExtractScalar),
    }

    def _parse_interval(
        self, *arguments: Any, **options: Any
    ) -> exp.Add | exp.Interval | None:
        """Keep the text of INTERVAL '1 month 04:01': sqlglot keeps its first part alone."""
        following = self._next
        is_interval = self._match(TokenType.INTERVAL, advance=False)
        if not is_interval or not following or following.token_type != TokenType.STRING:
            return super()._parse_interval(*arguments, **options)
        self._advance(2)
        unit: exp.Expr | None = self._parse_interval_unit()
        if unit and self._match_text_seq("TO"):
            end = self._parse_interval_unit()
            unit = self.expression(exp.IntervalSpan(this=unit, expression=end))
        text = exp.Literal.string(following.text)
        return self.expression(exp.Interval(this=text, unit=unit))

    def _parse_range(self, *arguments: Any, **options: Any) -> exp.Expr | None:
        """Mark `a !~ b`, which is not `NOT a ~ b` before ANY and before `||`."""
        is_prefix = self._match(TokenType.NOT, advance=False)
        node: exp.Expr | None = super()._parse_range(*arguments, **options)
        if isinstance(node, exp.Not) and not is_prefix:
            node.meta["is_operator"] = True
        return node

    def _parse_join(self, *arguments: Any, **options: Any) -> exp.Join | None:
        """Mark a JOIN without a condition, which sqlglot writes as a comma."""
        is_comma = self._match(TokenType.COMMA, advance=False)
        join: exp.Join | None = super()._parse_join(*arguments, **options)
        if join and not is_comma:
            has_condition = join.args.get("on") or join.args.get("using")
            is_whole = join.kind == "CROSS" or join.method == "NATURAL"
            join.meta["lacks_condition"] = not (has_condition or is_whole)
        return join

    def _parse_interval_unit(self) -> exp.Var | None:
        if self._curr.text.upper() not in INTERVAL_UNITS:
            return None
        self._advance()
        return exp.var(self._prev.text.upper())


def _write_now(keyword: str) -> Callable[..., str]:
    def write(writer: PostgresGenerator, node: exp.Expr) -> str:
        digits = writer.sql(node, "this")
        return f"{keyword}({digits})" if digits else keyword

    return write


def _write_postgres_not(writer: Any, node: exp.Not) -> str:
    """Keep `!~`, which binds closer than NOT, and means another thing before ANY."""
    sign = {exp.RegexpLike: "!~", exp.RegexpILike: "!~*"}.get(type(node.this))
    if sign and node.meta.get("is_operator"):
        text = writer.binary(node.this, sign)
        return f"({text})" if negation.is_operand(node) else text
    return negation.write_not(writer, node)


def _write_prefix(sign: str) -> Callable[..., str]:
    """Write `- ~a` with a space: `-~` together is another operator."""

    def write(writer: PostgresGenerator, node: exp.Expr) -> str:
        is_sign = isinstance(node.this, exp.Neg | exp.BitwiseNot)
        return f"{sign}{' ' * is_sign}{writer.sql(node, 'this')}"

    return write


def _write_interval(writer: PostgresGenerator, node: exp.Interval) -> str:
    unit = writer.sql(node, "unit")
    return f"INTERVAL {writer.sql(node, 'this')} {unit}".rstrip()


class _Generator(PostgresGenerator):
    """Write operators as operators: a column without a name is named after a function."""

    TRANSFORMS: ClassVar[dict[type[exp.Expr], Callable[..., str]]] = {
        **PostgresGenerator.TRANSFORMS,
        exp.Pow: lambda writer, node: writer.binary(node, "^"),
        exp.Sqrt: lambda writer, node: f"|/ {writer.sql(node, 'this')}",
        exp.Cbrt: lambda writer, node: f"||/ {writer.sql(node, 'this')}",
        exp.StartsWith: lambda writer, node: writer.binary(node, "^@"),
        exp.CurrentTime: _write_now("CURRENT_TIME"),
        exp.CurrentTimestamp: _write_now("CURRENT_TIMESTAMP"),
        exp.Interval: _write_interval,
        exp.Not: _write_postgres_not,
        exp.Neg: _write_prefix("-"),
        exp.BitwiseNot: _write_prefix("~"),
    }


class CustomerPostgres(Postgres):
    """Postgres as customers write it; sqlglot finds it as `customerpostgres`."""

    class Tokenizer(Postgres.Tokenizer):
        """Postgres' words."""

        KEYWORDS: ClassVar[dict[str, TokenType]] = {
            word: token
            for word, token in Postgres.Tokenizer.KEYWORDS.items()
            if word not in PLAIN_WORDS
        }

    Parser = _Parser
    Generator = _Generator


class _BigQueryParser(KeepsArguments, BigQueryParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = _leave_out(
        BigQueryParser.FUNCTIONS, KEPT_BIGQUERY_FUNCTIONS
    )
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = limit_arguments(
        _leave_out(BigQueryParser.FUNCTION_PARSERS, KEPT_BIGQUERY_FUNCTIONS),
        **dict.fromkeys(("ARG_MAX", "ARG_MIN", "MAX_BY", "MIN_BY"), 2),
    )

    @override
    def _parse_cast(self, strict: bool, safe: bool | None = None) -> exp.Expr:
        """Keep CAST(x AS DATE FORMAT '…'): PARSE_DATE has another YY and another type."""
        this = self._parse_assignment()
        if not self._match(TokenType.ALIAS):
            self.raise_error("Expected AS after CAST")
        to = self._parse_types(with_collation=True)
        if not isinstance(to, exp.DataType):
            self.raise_error("Expected TYPE after CAST")
        layout = None
        if self._match(TokenType.FORMAT):
            layout = self._parse_at_time_zone(self._parse_string())
        return self.build_cast(
            strict=strict, this=this, to=to, format=layout, safe=safe
        )


class _BigQueryGenerator(BigQueryGenerator):
    # sqlglot's BigQuery leaves parameters of types out (`CAST(x AS NUMERIC(5, 1))` rounds)
    # and groups by an alias where the query groups by its expression.
    TRANSFORMS: ClassVar[dict[Any, Any]] = {
        node: write
        for node, write in BigQueryGenerator.TRANSFORMS.items()
        if node not in {exp.Cast, exp.CTE, exp.Select, exp.Table}
    } | {exp.Not: negation.write_not}

    def attimezone_sql(self, expression: exp.AtTimeZone) -> str:
        """Write the time zone of CAST(x AS TIMESTAMP FORMAT '…' AT TIME ZONE '…')."""
        around = expression.parent
        if isinstance(around, exp.Cast) and around.args.get("format") is expression:
            return Generator.attimezone_sql(self, expression)
        return super().attimezone_sql(expression)


class CustomerBigQuery(BigQuery):
    """BigQuery as customers write it; sqlglot finds it as `customerbigquery`."""

    Parser = _BigQueryParser
    Generator = _BigQueryGenerator


# The grammar that reads and writes each dialect, by sqlglot's name of the dialect.
GRAMMARS = {
    "postgres": CustomerPostgres.__name__.lower(),
    "snowflake": CustomerSnowflake.__name__.lower(),
    "bigquery": CustomerBigQuery.__name__.lower(),
}
