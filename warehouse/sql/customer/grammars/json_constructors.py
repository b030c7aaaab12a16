"""Postgres' SQL/JSON constructors, which have a syntax of their own: JSON_OBJECT('a': 1).

sqlglot takes JSON_OBJECT for another dialect's, and drops what it does not know of it.
"""

from collections.abc import Callable
from typing import Any

from sqlglot import exp
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import TokenType

from warehouse.sql.customer.messages import write_line
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.remedies import foreign_postgres_json
from warehouse.sql.customer.remedies.remedy_forms import (
    NOTHING_ELSE,
    advise,
    build_forms,
)
from warehouse.sql.customer.written_calls import read_call

# What these have instead depends on the path, and on what stands behind it.
OF_PATHS = ("JSON_QUERY", "JSON_VALUE")
# Functions of the same chapter of the standard that are not passed on, and older ones.
INSTEAD = {
    "JSON_ARRAYAGG": "json_agg(value) FILTER (WHERE value IS NOT NULL)",
    "JSON_EXISTS": "jsonb_path_exists(value, path)",
    "JSON_OBJECTAGG": "json_object_agg(key, value)",
    "JSON_SCALAR": "to_json(value)",
    "JSON_SERIALIZE": "value::text",
    "JSON_TABLE": "jsonb_to_recordset(value) AS t (a text, b int)",
    **dict.fromkeys(OF_PATHS, ""),
}
FORMS = build_forms(foreign_postgres_json.FORMS)


class ReadsJsonConstructors(Parser):
    """A parser that reads JSON_OBJECT and JSON_ARRAY as Postgres 16 does."""

    def parse_json_object(self) -> exp.Expr:
        """Return `JSON_OBJECT(key: value …)`, or a call of json_object(keys, values)."""
        if self._match(TokenType.R_PAREN, advance=False):
            return self.expression(exp.Anonymous(this="json_object"))
        # Read once, whichever it is: calls inside each other would double the work.
        key = self._parse_disjunction()
        if not self._match_separator():
            values = self._parse_json_values() if self._match(TokenType.COMMA) else []
            arguments = [key, *values]
            return self.expression(
                exp.Anonymous(this="json_object", expressions=arguments)
            )
        members = [self._build_json_member(key)]
        while self._match(TokenType.COMMA):
            key = self._parse_disjunction()
            if not self._match_separator():
                self.raise_error("Expected a colon or VALUE behind a key")
            members.append(self._build_json_member(key))
        constructor = exp.JSONObject(
            expressions=members, null_handling=self._parse_null_handling()
        )
        for word in ("WITH", "WITHOUT"):
            if self._match_text_seq(word, "UNIQUE"):
                constructor.set("unique_keys", word == "WITH")
                self._match_text_seq("KEYS")
        constructor.set("return_type", self._parse_returned_type())
        return self.expression(constructor)

    def parse_json_array(self) -> exp.Expr:
        """Return `JSON_ARRAY(value …)`. Raises RefusedError for JSON_ARRAY(SELECT …)."""
        if self._curr.token_type in {TokenType.SELECT, TokenType.WITH}:
            raise RefusedError(
                f"The function {self._find_call()} of a query is not allowed"
                f"{write_line(self._curr.line)}: write to_json(ARRAY(SELECT …)) instead."
            )
        is_empty = self._match(TokenType.R_PAREN, advance=False) or (
            self._match_text_seq("RETURNING", advance=False)
        )
        values = [] if is_empty else self._parse_json_values()
        return self.expression(
            exp.JSONArray(
                expressions=values,
                null_handling=self._parse_null_handling(),
                return_type=self._parse_returned_type(),
            )
        )

    def refuse_json_function(self, name: str) -> exp.Expr:
        """Raise RefusedError, which says what to write instead of one of INSTEAD."""
        token = self._tokens[self._index - 2]
        call = read_call(self.sql[token.start :])
        advice = INSTEAD[name]
        if name in OF_PATHS:
            advice = advise(call, FORMS) if call else ""
        remedy = f"write {advice} instead."
        if not advice:
            remedy = f"Postgres has no one call {NOTHING_ELSE}"
        raise RefusedError(
            f"The function {token.text} is not allowed{write_line(self._prev.line)}:"
            f" {remedy}"
        )

    def _find_call(self) -> str:
        """Return the name of the call whose bracket has just been read, as written."""
        return self._tokens[self._index - 2].text

    def _match_separator(self) -> bool:
        return bool(self._match(TokenType.COLON) or self._match_text_seq("VALUE"))

    def _build_json_member(self, key: exp.Expr | None) -> exp.Expr:
        value = self._parse_json_item()
        return self.expression(exp.JSONKeyValue(this=key, expression=value))

    def _parse_json_values(self) -> list[exp.Expr]:
        values = [self._parse_json_item()]
        while self._match(TokenType.COMMA):
            values.append(self._parse_json_item())
        return values

    def _parse_json_item(self) -> exp.Expr:
        value = self._parse_disjunction()
        if value is None:
            self.raise_error("Expected a value")
        item = self._parse_format_json(value)
        assert item is not None  # it is what was passed
        return item

    def _parse_null_handling(self) -> Any:
        return self._parse_on_handling("NULL", "NULL", "ABSENT")

    def _parse_returned_type(self) -> exp.Expr | None:
        if not self._match_text_seq("RETURNING"):
            return None
        return self._parse_format_json(self._parse_types())


def build_parsers() -> dict[str, Callable[[Any], Any]]:
    """Return parsers of the constructors, and of functions that are refused, by name."""
    refused = {
        name: lambda parser, name=name: parser.refuse_json_function(name)
        for name in INSTEAD
    }
    return {
        **refused,
        "JSON_ARRAY": lambda parser: parser.parse_json_array(),
        "JSON_OBJECT": lambda parser: parser.parse_json_object(),
    }
