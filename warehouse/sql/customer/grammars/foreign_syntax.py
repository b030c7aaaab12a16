"""Syntax of other programs that sqlglot reads in every dialect: refused as it is parsed."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from warehouse.sql.customer.grammars.alias_names import RefusesAliases
from warehouse.sql.customer.grammars.window_frames import RefusesUnfinishedWindows
from warehouse.sql.customer.messages import FROM_FIRST, write_line
from warehouse.sql.customer.refusal import RefusedError


class RefusesForeignSyntax(RefusesAliases, RefusesUnfinishedWindows):
    """A parser that raises RefusedError at a query that begins with FROM.

    It marks a JOIN that lacks its condition.
    """

    def _parse_join(self, *arguments: Any, **options: Any) -> exp.Join | None:
        """Mark a JOIN without a condition, which sqlglot writes as a comma."""
        is_comma = self._match(TokenType.COMMA, advance=False)
        join: exp.Join | None = super()._parse_join(*arguments, **options)
        if join and not is_comma:
            has_condition = join.args.get("on") or join.args.get("using")
            is_whole = join.kind == "CROSS" or join.method == "NATURAL"
            join.meta["lacks_condition"] = not (has_condition or is_whole)
        return join

    def _parse_select_query(self, *arguments: Any, **options: Any) -> exp.Expr | None:
        if self._match(TokenType.FROM, advance=False):
            raise RefusedError(FROM_FIRST.format(line=write_line(self._curr.line)))
        query: exp.Expr | None = super()._parse_select_query(*arguments, **options)
        return query


def refuse_operators(
    parsers: Mapping[TokenType, Any], remedies: Mapping[TokenType, str]
) -> dict[TokenType, Any]:
    """Return sqlglot's parsers of operators, of which those with a remedy raise RefusedError."""
    return {
        **parsers,
        **{
            token: _refuse(token, parsers[token], remedies[token]) for token in remedies
        },
    }


def _refuse(kind: TokenType, parse: Any, remedy: str) -> Callable[..., Any]:
    def refuse(parser: Any, *arguments: Any) -> Any:
        behind = reversed(parser._tokens[: parser._index])  # noqa: SLF001 - as sqlglot's do
        token = next(token for token in behind if token.token_type == kind)
        if kind == TokenType.RLIKE and not token.text.isalpha():  # Postgres' ~
            return parse(parser, *arguments)
        raise RefusedError(
            f"The operator {token.text.upper()} is not allowed{write_line(token.line)}:"
            f" write {remedy}."
        )

    return refuse
