"""sqlglot's Postgres, corrected where it misreads or renames what customers write."""

from collections.abc import Callable
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.generators.postgres import PostgresGenerator
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.tokenizer_core import TokenType

from warehouse.sql.customer.allowlists import allowlist_postgres
from warehouse.sql.customer.grammars import (
    call_forms,
    foreign_syntax,
    json_constructors,
    negation,
)
from warehouse.sql.customer.grammars.dollar_quotes import ReadsDollarQuotes
from warehouse.sql.customer.grammars.foreign_syntax import RefusesForeignSyntax
from warehouse.sql.customer.grammars.json_constructors import ReadsJsonConstructors
from warehouse.sql.customer.grammars.kept_arguments import (
    KeepsArguments,
    limit_arguments,
)
from warehouse.sql.customer.remedies import foreign_postgres
from warehouse.sql.customer.written_names import RemembersNames

# Functions of Postgres that keep their name: sqlglot writes some of them as another one,
# whose result has another name, type or path (`now` as CURRENT_TIMESTAMP, `date_part` as
# EXTRACT).
KEPT_FUNCTIONS = allowlist_postgres.FUNCTIONS | allowlist_postgres.TABLE_FUNCTIONS
LEFT_OUT = KEPT_FUNCTIONS | allowlist_postgres.FOREIGN_FUNCTIONS
# Words that begin a type in other dialects and are plain names in Postgres, and a type that
# sqlglot writes as CHAR, which is CHAR(1).
PLAIN_WORDS = frozenset(
    {"BPCHAR", "LIST", "MAP", "NULLABLE", "OBJECT", "STRUCT", "VARIANT"}
).union(name.upper() for name in allowlist_postgres.FOREIGN_TYPES)
INTERVAL_UNITS = frozenset({"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"})


def _leave_out(functions: dict[str, Any]) -> dict[str, Any]:
    """Return sqlglot's functions without those that keep their own name."""
    return {
        name: parse for name, parse in functions.items() if name.lower() not in LEFT_OUT
    }


def _leave_out_token(parsers: dict[TokenType, Any], left_out: TokenType) -> Any:
    return {token: parse for token, parse in parsers.items() if token != left_out}


def _build_json_operator(node: type[exp.Expr]) -> Callable[..., exp.Expr]:
    """Build `->` with its key as it is written: sqlglot takes 'a.b' for a path."""
    return lambda parser, this, key: parser.expression(
        node(this=this, expression=key, only_json_types=True)
    )


class _Parser(
    KeepsArguments,
    RemembersNames,
    ReadsJsonConstructors,
    RefusesForeignSyntax,
    PostgresParser,
):
    FUNCTIONS: ClassVar[dict[str, Any]] = {
        **_leave_out(PostgresParser.FUNCTIONS),
        "ARRAY": lambda args: call_forms.mark_call(exp.Array(expressions=args)),
        "GENERATE_SERIES": exp.ExplodingGenerateSeries.from_arg_list,
    }
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
        **limit_arguments(_leave_out(PostgresParser.FUNCTION_PARSERS)),
        **json_constructors.build_parsers(),
    }
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = _leave_out(
        PostgresParser.NO_PAREN_FUNCTION_PARSERS
    )
    NEEDS_AS: ClassVar[frozenset[str]] = allowlist_postgres.NEED_AS
    SAMPLE_ADVICE: ClassVar[str] = foreign_postgres.ADVICE["TABLESAMPLE"]
    UNARY_PARSERS: ClassVar[dict[TokenType, Any]] = negation.mark_prefix(
        PostgresParser.UNARY_PARSERS
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
    RANGE_PARSERS: ClassVar[dict[TokenType, Any]] = foreign_syntax.refuse_operators(
        PostgresParser.RANGE_PARSERS, {TokenType.RLIKE: "a ~ 'pattern'"}
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

    MULTI_ARG_DISTINCT = True  # else `DISTINCT a, b` is written as one value

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

    class Tokenizer(ReadsDollarQuotes):
        """Postgres' words."""

        KEYWORDS: ClassVar[dict[str, TokenType]] = {
            word: token
            for word, token in Postgres.Tokenizer.KEYWORDS.items()
            if word not in PLAIN_WORDS
        }

    Parser = _Parser
    Generator = _Generator
