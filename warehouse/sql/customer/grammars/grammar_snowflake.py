"""sqlglot's Snowflake, corrected where it renames or rewrites what customers write."""

import re
from collections.abc import Callable
from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.snowflake import Snowflake
from sqlglot.generators.snowflake import SnowflakeGenerator
from sqlglot.parsers.snowflake import SnowflakeParser
from sqlglot.tokenizer_core import TokenType
from typing_extensions import override

from warehouse.sql.customer.allowlists.allowlist_snowflake import KEPT_FUNCTIONS
from warehouse.sql.customer.grammars import foreign_syntax, negation
from warehouse.sql.customer.grammars.foreign_syntax import RefusesForeignSyntax
from warehouse.sql.customer.grammars.kept_arguments import (
    KeepsArguments,
    limit_arguments,
)
from warehouse.sql.customer.remedies.foreign_snowflake import FOREIGN_FUNCTIONS
from warehouse.sql.customer.written_names import RemembersNames

# DATE and TIME are types as well: sqlglot would read DATE(x) as one.
RENAMED_FUNCTIONS = {"DATE": "TO_DATE", "TIME": "TO_TIME"}

JOIN_CLAUSES = ("on", "using", "kind", "side", "method")
NULL_ORDERS = (["NULLS", "FIRST"], ["NULLS", "LAST"])
PLAIN_NAME = re.compile(r"[A-Z_][A-Z0-9_$]*")


def _leave_out(functions: dict[str, Any]) -> dict[str, Any]:
    """Return sqlglot's functions without those that it would write as others."""
    return {
        name: parse
        for name, parse in functions.items()
        if name.lower() not in KEPT_FUNCTIONS | FOREIGN_FUNCTIONS
    }


def _build_call(name: str) -> Any:
    """Return what builds a call of a function by name."""
    return lambda args: exp.Anonymous(this=name, expressions=args)


class _Parser(KeepsArguments, RemembersNames, RefusesForeignSyntax, SnowflakeParser):
    FUNCTIONS: ClassVar[dict[str, Any]] = {
        **_leave_out(SnowflakeParser.FUNCTIONS),
        **{name: _build_call(call) for name, call in RENAMED_FUNCTIONS.items()},
    }
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = limit_arguments(
        _leave_out(SnowflakeParser.FUNCTION_PARSERS)
    )
    NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = _leave_out(
        SnowflakeParser.NO_PAREN_FUNCTION_PARSERS
    )

    # An arrow is read where no lambda is.
    COLUMN_OPERATORS: ClassVar[dict[TokenType, Any]] = foreign_syntax.refuse_operators(
        SnowflakeParser.COLUMN_OPERATORS, {TokenType.ARROW: "value:key"}
    )
    UNARY_PARSERS: ClassVar[dict[TokenType, Any]] = negation.mark_prefix(
        SnowflakeParser.UNARY_PARSERS
    )

    @override
    def _parse_ordered(
        self, parse_method: Callable[[], exp.Expr | None] | None = None
    ) -> exp.Ordered | None:
        """Remember NULLS FIRST or LAST: sqlglot leaves out what it takes for the default."""
        ordered = super()._parse_ordered(parse_method)
        words = [token.text.upper() for token in self._tokens[: self._index][-2:]]
        if ordered and words in NULL_ORDERS:
            ordered.meta["nulls"] = f" {' '.join(words)}"
        return ordered

    @override
    def _parse_join(self, *args: Any, **kwargs: Any) -> exp.Join | None:
        """Keep JOIN without a condition apart from a comma, which binds less."""
        is_comma = self._curr.token_type == TokenType.COMMA
        join = super()._parse_join(*args, **kwargs)
        if join and not is_comma and not any(map(join.args.get, JOIN_CLAUSES)):
            join.set("kind", "CROSS")
        return join


class _Generator(SnowflakeGenerator):
    @override
    def not_sql(self, expression: exp.Not) -> str:
        """Write brackets around a negation that stands beside another operator."""
        return negation.bracket_operand(super().not_sql(expression), expression)

    @override
    def ordered_sql(self, expression: exp.Ordered) -> str:
        """Write NULLS FIRST or LAST where the customer did: the default is a setting."""
        text, nulls = super().ordered_sql(expression), expression.meta.get("nulls", "")
        return text if text.endswith(nulls) else f"{text}{nulls}"

    @override
    def lambda_sql(
        self, expression: exp.Lambda, arrow_sep: str = "->", wrap: bool = True
    ) -> str:
        """Write the arguments of a lambda without quotes, as Snowflake's manual does."""
        names = [
            name.name if PLAIN_NAME.fullmatch(name.name) else self.sql(name)
            for name in expression.expressions
        ]
        text = ", ".join(names)
        if wrap and len(names) > 1:
            text = f"({text})"
        return f"{text} {arrow_sep} {self.sql(expression, 'this')}"

    @override
    def struct_sql(self, expression: exp.Struct) -> str:
        """Write {'key': value} as it is: OBJECT_CONSTRUCT leaves out what is NULL."""
        pairs = expression.expressions
        if not all(isinstance(pair, exp.PropertyEQ) for pair in pairs):
            return super().struct_sql(expression)
        members = [
            f"{self.sql(exp.Literal.string(pair.name))}: {self.sql(pair.expression)}"
            for pair in pairs
        ]
        return f"{{{', '.join(members)}}}"


class CustomerSnowflake(Snowflake):
    """Snowflake as customers write it; sqlglot finds it as `customersnowflake`."""

    Parser = _Parser
    Generator = _Generator
