"""Names as a query's author wrote them: sqlglot keeps one name of many, and folds case."""

from typing import Any

from sqlglot import exp
from sqlglot.parser import Parser

from warehouse.sql.customer.written_calls import WrittenCall, read_call

WRITTEN_NAME = "written_name"
WRITTEN_CALL = "written_call"
# What may stand around a call, as in `count(*) FILTER (WHERE …) OVER (…)`.
AROUND_CALL = (
    exp.Filter, exp.IgnoreNulls, exp.RespectNulls, exp.Window, exp.WithinGroup,
)  # fmt: skip


class RemembersNames(Parser):
    """A parser that marks each call and type with its name in the text."""

    def _parse_function_call(self, *arguments: Any, **options: Any) -> exp.Expr | None:
        token = self._curr
        call: exp.Expr | None = super()._parse_function_call(*arguments, **options)
        if token and call:
            _mark(call, token.text, (self.sql, token.start))
            if not any(call.iter_expressions()):  # no other token tells the line
                call.meta.setdefault("line", token.line)
        return call

    def _parse_types(self, *arguments: Any, **options: Any) -> exp.Expr | None:
        start = self._index
        kind: exp.Expr | None = super()._parse_types(*arguments, **options)
        if isinstance(kind, exp.DataType | exp.ObjectIdentifier):
            first, last = self._tokens[start], self._tokens[self._index - 1]
            kind.meta.setdefault(WRITTEN_NAME, self.sql[first.start : last.end + 1])
        return kind

    def _parse_star_ops(self) -> exp.Expr | None:
        """Remember the word of `* EXCLUDE (…)`: sqlglot takes it for EXCEPT."""
        word = self._curr.text.upper()
        star: exp.Expr | None = super()._parse_star_ops()
        if isinstance(star, exp.Star) and any(star.args.values()):
            star.meta[WRITTEN_NAME] = word
        return star


def remember_case(query: exp.Expr) -> None:
    """Mark each name without quotes, before names are written in the warehouse's case."""
    for identifier in query.find_all(exp.Identifier):
        if not identifier.quoted:
            identifier.meta[WRITTEN_NAME] = identifier.name


def find_written_name(node: exp.Expr) -> str | None:
    """Return a function's or type's name as it was written; None for an operator."""
    name: str | None = node.meta.get(WRITTEN_NAME)
    return name


def find_written_call(node: exp.Expr) -> WrittenCall | None:
    """Return a call as it was written; None for what was not written as one."""
    if WRITTEN_CALL not in node.meta:
        return None
    sql, start = node.meta[WRITTEN_CALL]
    return read_call(sql[start:])


def is_written_as_call(node: exp.Expr) -> bool:
    """Return whether a node was read from a call, in a place where calls stand."""
    return WRITTEN_CALL in node.meta


def write_path(node: object) -> str:
    """Return a name, or several with dots between them, as they were written."""
    if isinstance(node, exp.Dot):
        return f"{write_path(node.this)}.{write_path(node.expression)}"
    if isinstance(node, exp.Column | exp.Table):
        return ".".join(write_path(part) for part in node.parts)
    if isinstance(node, exp.Expr):
        return find_written_name(node) or node.name
    return ""


def write_alias(named: exp.Expr) -> str:
    """Return the alias of a WITH query or table as it was written."""
    alias = named.args.get("alias")
    return write_path(alias.this) if isinstance(alias, exp.TableAlias) else named.alias


def _mark(call: exp.Expr, name: str, place: tuple[str, int]) -> None:
    while isinstance(call, AROUND_CALL):
        call = call.this
    if isinstance(call, exp.Func):
        call.meta.setdefault(WRITTEN_CALL, place)
        if not isinstance(call, exp.Anonymous):
            call.meta.setdefault(WRITTEN_NAME, name)
