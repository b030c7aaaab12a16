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

from warehouse.sql.customer import foreign_syntax, negation
from warehouse.sql.customer.foreign_snowflake import FOREIGN_FUNCTIONS
from warehouse.sql.customer.foreign_syntax import RefusesForeignSyntax
from warehouse.sql.customer.kept_arguments import KeepsArguments, limit_arguments
from warehouse.sql.customer.written_names import RemembersNames

# Functions that sqlglot writes as another function, with more arguments or with another
# format. The text that runs keeps the customer's: a synonym may have another type
# (TO_TIMESTAMP_NTZ as TO_TIMESTAMP, whose type is a setting of the account).
KEPT_FUNCTIONS = frozenset(
    {
        # conversions, whose formats sqlglot translates and translates back
        "to_char", "to_date", "to_decimal", "to_decfloat", "to_number", "to_numeric",
        "to_time", "to_timestamp", "to_timestamp_ltz", "to_timestamp_ntz",
        "to_timestamp_tz", "to_varchar", "try_to_date", "try_to_decfloat",
        "try_to_decimal", "try_to_number", "try_to_numeric", "try_to_time",
        "try_to_timestamp", "try_to_timestamp_ltz", "try_to_timestamp_ntz",
        "try_to_timestamp_tz", "datefromparts", "timefromparts", "timestampfromparts",
        "timestampltzfromparts", "timestampntzfromparts", "timestamptzfromparts",
        "timestamp_ltz_from_parts", "timestamp_ntz_from_parts",
        "timestamp_tz_from_parts",
        # the second argument, which sqlglot drops
        "parse_json", "try_parse_json",
        # synonyms
        "approximate_jaccard_index", "arrayagg", "bit_and", "bit_and_agg", "bit_andagg",
        "bit_not", "bit_or", "bit_or_agg", "bit_oragg", "bit_shiftleft",
        "bit_shiftright", "bit_xor", "bit_xor_agg", "bit_xoragg", "bitand_agg",
        "bitor_agg", "bitxor_agg", "char", "div0", "div0null", "ifnull", "initcap", "len",
        "md5_hex", "nullifzero", "nvl", "object_construct", "pow", "regexp_replace",
        "replace", "rlike", "sha1", "sha1_binary", "sha1_hex", "sha2_binary",
        "sha2_hex", "square", "stddev_samp", "strtok", "substr", "truncate",
        "try_base64_decode_binary", "try_hex_decode_binary", "var_pop", "var_samp",
        "variance_samp", "weekofyear", "zeroifnull",
        # numbers and places on the earth, which sqlglot knows in part
        "approx_percentile_accumulate", "approx_percentile_combine",
        "approx_percentile_estimate", "approx_top_k", "approx_top_k_accumulate",
        "approx_top_k_combine", "approx_top_k_estimate", "st_distance", "st_makepoint",
        "st_point", "to_geography", "to_geometry",
    }
)  # fmt: skip
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
