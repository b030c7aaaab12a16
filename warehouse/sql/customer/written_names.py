"""The names of functions as a query's author wrote them: sqlglot keeps one name of many."""

from typing import Any

from sqlglot import exp
from sqlglot.parser import Parser

WRITTEN_NAME = "written_name"
# What may stand around a call, as in `count(*) FILTER (WHERE …) OVER (…)`.
AROUND_CALL = (
    exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.Window, exp.WithinGroup,
)  # fmt: skip


class RemembersNames(Parser):
    """A parser that marks each call with its name in the text."""

    def _parse_function_call(self, *arguments: Any, **options: Any) -> exp.Expr | None:
        token = self._curr
        call: exp.Expr | None = super()._parse_function_call(*arguments, **options)
        if token and call:
            _mark(call, token.text.lower())
        return call


def find_written_name(node: exp.Expr) -> str | None:
    """Return a function's name as it was written; None for an operator."""
    name: str | None = node.meta.get(WRITTEN_NAME)
    return name


def _mark(call: exp.Expr, name: str) -> None:
    while isinstance(call, AROUND_CALL):
        call = call.this
    if isinstance(call, exp.Func) and not isinstance(call, exp.Anonymous):
        call.meta.setdefault(WRITTEN_NAME, name)
