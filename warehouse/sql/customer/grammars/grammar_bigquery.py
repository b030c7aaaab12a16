"""sqlglot's BigQuery, corrected where it misreads or renames what customers write."""

from typing import Any, ClassVar

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.generator import Generator
from sqlglot.generators.bigquery import BigQueryGenerator
from sqlglot.parsers.bigquery import BigQueryParser
from sqlglot.tokenizer_core import TokenType
from typing_extensions import override

from warehouse.sql.customer.grammars import call_forms, foreign_syntax, negation
from warehouse.sql.customer.grammars.foreign_syntax import RefusesForeignSyntax
from warehouse.sql.customer.grammars.kept_arguments import (
    KeepsArguments,
    limit_arguments,
)
from warehouse.sql.customer.remedies.functions_bigquery import OWN_FUNCTIONS
from warehouse.sql.customer.written_names import RemembersNames

# Functions that keep their name: LOG10(x) and LOG(x, 10) differ in the last digit, INITCAP
# has a second argument, what sqlglot makes of the format of a time is its own, and so are the
# paths that it writes for arrays of texts in JSON: '$."a.b"' as "$['a.b']".
KEPT_FUNCTIONS = frozenset(
    {
        "contains_substr", "format_date", "format_datetime", "format_time",
        "format_timestamp", "initcap", "json_extract_string_array", "json_value_array",
        "log10", "octet_length", "parse_date", "parse_datetime", "parse_time", "parse_timestamp", "strpos",
    }
)  # fmt: skip


def _keep_own(functions: dict[str, Any]) -> dict[str, Any]:
    """Return what sqlglot knows of BigQuery's own functions, without those kept by name."""
    return {
        name: parse
        for name, parse in functions.items()
        if name.lower() in OWN_FUNCTIONS - KEPT_FUNCTIONS
    }


def _parse_make_interval(parser: Any) -> Any:
    """Mark MAKE_INTERVAL(month => 1, 2): sqlglot takes the second for the same argument."""
    call = BigQueryParser.FUNCTION_PARSERS["MAKE_INTERVAL"](parser)
    return parser.mark_beyond(len(call.args), call)


class _BigQueryParser(
    KeepsArguments, RemembersNames, RefusesForeignSyntax, BigQueryParser
):
    HAS_COLUMN_LISTS: ClassVar[bool] = False
    NAMES_WINDOWS: ClassVar[bool] = True
    FUNCTIONS: ClassVar[dict[str, Any]] = _keep_own(BigQueryParser.FUNCTIONS)
    FUNCTION_PARSERS: ClassVar[dict[str, Any]] = limit_arguments(
        {
            **_keep_own(BigQueryParser.FUNCTION_PARSERS),
            "ARRAY": lambda parser: call_forms.mark_call(
                BigQueryParser.FUNCTION_PARSERS["ARRAY"](parser)
            ),
            "MAKE_INTERVAL": _parse_make_interval,
        },
        **dict.fromkeys(("MAX_BY", "MIN_BY"), 2),
    )
    COLUMN_OPERATORS: ClassVar[dict[TokenType, Any]] = foreign_syntax.refuse_operators(
        BigQueryParser.COLUMN_OPERATORS,
        {TokenType.ARROW: "JSON_QUERY(value, '$.key')"},
    )
    RANGE_PARSERS: ClassVar[dict[TokenType, Any]] = foreign_syntax.refuse_operators(
        BigQueryParser.RANGE_PARSERS,
        {TokenType.RLIKE: "REGEXP_CONTAINS(text, r'pattern')"},
    )
    UNARY_PARSERS: ClassVar[dict[TokenType, Any]] = negation.mark_prefix(
        BigQueryParser.UNARY_PARSERS
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
