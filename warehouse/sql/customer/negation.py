"""How `a NOT IN (…)` is written: as NOT before it, in brackets beside another operator."""

from typing import Any

from sqlglot import exp

NEGATED = (exp.In, exp.Between, exp.SimilarTo, exp.RegexpLike, exp.RegexpILike)


def write_not(writer: Any, node: exp.Not) -> str:
    """Return the text of a negation, in brackets if it stands beside an operator."""
    return bracket_operand(writer.not_sql(node), node)


def bracket_operand(text: str, node: exp.Not) -> str:
    """Return a negation's text; NOT alone would negate `a IN (…) < b` as a whole."""
    is_bracketed = isinstance(node.this, NEGATED) and is_operand(node)
    return f"({text})" if is_bracketed else text


def is_operand(node: exp.Not) -> bool:
    """Return whether a negation stands beside an operator other than AND, OR and NOT."""
    around = node.parent
    is_operator = isinstance(around, exp.Binary | exp.Unary | exp.Between | exp.In)
    return is_operator and not isinstance(around, exp.Connector | exp.Not | exp.Paren)
