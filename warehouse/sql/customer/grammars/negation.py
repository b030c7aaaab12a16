"""How a negation is read, and written: `a NOT IN (…)` as NOT before it, in brackets."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

NEGATED = (exp.In, exp.Between, exp.SimilarTo, exp.RegexpLike, exp.RegexpILike)


IS_PREFIX = "is_prefix"


def mark_prefix(parsers: Mapping[Any, Any]) -> dict[Any, Callable[..., Any]]:
    """Return parsers of what stands before a value, which mark a NOT that does."""
    parse = parsers[TokenType.NOT]
    return {**parsers, TokenType.NOT: lambda parser: _mark_prefix(parse(parser))}


def _mark_prefix(node: Any) -> Any:
    node.meta[IS_PREFIX] = True
    return node


def negates_part(node: exp.Expr) -> bool:
    """Return whether a NOT before a value negates less than warehouses take it to.

    NOT binds least: `NOT a IN (1) || b` negates all of it.
    """
    around = node.parent
    is_first = around is not None and around.args.get("this") is node
    return bool(node.meta.get(IS_PREFIX)) and is_first and is_operand(node)


def write_not(writer: Any, node: exp.Not) -> str:
    """Return the text of a negation, in brackets if it stands beside an operator."""
    return bracket_operand(writer.not_sql(node), node)


def bracket_operand(text: str, node: exp.Not) -> str:
    """Return a negation's text; NOT alone would negate `a IN (…) < b` as a whole."""
    is_bracketed = isinstance(node.this, NEGATED) and is_operand(node)
    return f"({text})" if is_bracketed else text


def is_operand(node: exp.Expr) -> bool:
    """Return whether a negation stands beside an operator other than AND, OR and NOT."""
    around = node.parent
    is_operator = isinstance(around, exp.Binary | exp.Unary | exp.Between | exp.In)
    return is_operator and not isinstance(around, exp.Connector | exp.Not | exp.Paren)
