"""Finds the calls of which the regenerated text would lose an argument.

sqlglot's functions take what they know of the arguments and drop the others in silence, some
when they are built and some when they are written: INITCAP(a, '-') would run as INITCAP(a).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlglot import exp
from sqlglot.errors import ParseError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.messages import locate, write_line
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.written_names import find_written_name

# What stands around arguments; sqlglot takes some of it apart.
AROUND = (
    exp.Alias, exp.Distinct, exp.HavingMax, exp.IgnoreNulls, exp.Interval, exp.Kwarg,
    exp.Limit, exp.Order, exp.Ordered, exp.PropertyEQ, exp.RespectNulls, exp.Tuple,
)  # fmt: skip
SIMPLE = (exp.Boolean, exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Var)
WORDS = re.compile(r"\w+")
# Of functions that sqlglot parses by their names, and that have more in no dialect.
MOST_ARGUMENTS = {
    "ARG_MAX": 3, "ARG_MIN": 3, "CEIL": 2, "FLOOR": 2, "MAX_BY": 3, "MIN_BY": 3,
    "POSITION": 3, "SUBSTR": 3, "SUBSTRING": 3, "TRANSLATE": 3,
}  # fmt: skip
DEPTHS = {
    TokenType.L_PAREN: 1, TokenType.L_BRACKET: 1, TokenType.L_BRACE: 1,
    TokenType.R_PAREN: -1, TokenType.R_BRACKET: -1, TokenType.R_BRACE: -1,
}  # fmt: skip
# Where other dialects have fewer.
SIGNATURES = {
    "DATEADD": "write DATEADD(day, n, date)",
    "DATEDIFF": "write DATEDIFF(day, start, end)",
    "TIMESTAMPDIFF": "write TIMESTAMPDIFF(day, start, end)",
}
LOST = "lost_argument"
MARKER = "levered_argument_{}_"


class WrongArgumentsError(ParseError):
    """A call has too few or too many arguments; `reason` says so to its author."""

    reason = ""


class KeepsArguments(Parser):
    """A parser that marks calls of which the text would lose an argument."""

    def validate_expression(
        self, expression: Any, args: list[Any] | None = None
    ) -> Any:
        """Return a node, marked if its text would lose one of `args`.

        Raises RefusedError at DISTINCT before two values that an aggregate takes, and
        WrongArgumentsError where a call has too few or too many.
        """
        if _is_distinct_pair(expression, args):
            raise RefusedError(self._describe_distinct())
        parts = [part for arg in args or () for part in _list_parts(arg)]
        try:
            call = super().validate_expression(expression, args)
        except ParseError as error:
            if args is None or not isinstance(expression, exp.Func):
                raise
            raise self._build_wrong_arguments(error) from error
        is_kept = isinstance(call, exp.WeekStart) or _keeps(call, parts, self)
        if not is_kept:
            self._mark(call)
        return call

    def mark_beyond(self, most: int, call: Any) -> Any:
        """Mark a call, whose arguments were just parsed, if it has more than `most`."""
        start = _find_name(self._tokens, self._index)
        depth = commas = 0
        for token in self._tokens[start + 2 : self._index]:
            depth += DEPTHS.get(token.token_type, 0)
            commas += token.token_type == TokenType.COMMA and depth == 0
        if commas >= most:
            self._mark(call)
        return call

    def find_call(self) -> Token:
        """Return the name of the call whose arguments have just been read."""
        token: Token = self._tokens[_find_name(self._tokens, self._index)]
        return token

    def _mark(self, call: exp.Expr) -> None:
        name = self.find_call()
        call.meta[LOST] = (
            f"The function {name.text} is allowed with fewer arguments alone"
            f"{write_line(name.line)}: leave out the last."
        )

    def _describe_distinct(self) -> str:
        name = self.find_call()
        return (
            f"DISTINCT in {name.text} is not allowed{write_line(name.line)}: keep each pair"
            f" once in a WITH query, SELECT DISTINCT a, b, and write {name.text}(a, b) over"
            " it."
        )

    def _build_wrong_arguments(self, error: ParseError) -> WrongArgumentsError:
        name = self.find_call()
        lacks_some = str(error).startswith("Required")
        few = SIGNATURES.get(name.text.upper(), "add what it needs")
        amount, advice = ("few", few) if lacks_some else ("many", "leave some out")
        wrong = WrongArgumentsError(str(error), error.errors)
        wrong.reason = (
            f"The function {name.text} has too {amount} arguments{write_line(name.line)}:"
            f" {advice}."
        )
        return wrong


def limit_arguments(parsers: Mapping[str, Any], **limits: int) -> dict[str, Any]:
    """Return parsers of calls with a syntax of their own, which mark what they drop."""
    most = {**MOST_ARGUMENTS, **limits}
    return {
        name: _limit(parse, most[name]) if name in most else parse
        for name, parse in parsers.items()
    }


def _limit(parse: Any, most: int) -> Any:
    return lambda parser: parser.mark_beyond(most, parse(parser))


def require_kept(node: exp.Expr) -> None:
    """Raise RefusedError at a call that the parser marked, or with an unknown argument."""
    if LOST in node.meta:
        raise RefusedError(node.meta[LOST])
    if isinstance(node, exp.Func):
        _require_known(node)


def _require_known(call: exp.Func) -> None:
    """Refuse `MAKE_INTERVAL(days => 3)`: sqlglot would write MAKE_INTERVAL()."""
    unknown = next((key for key in call.args if key not in call.arg_types), "")
    if unknown:
        singular = unknown.lower().removesuffix("s")
        is_near = singular in call.arg_types
        advice = f"write {singular}" if is_near else "check the names of its arguments"
        raise RefusedError(
            f"The function {find_written_name(call) or call.sql_name()} has no argument"
            f" {unknown}{locate(call)}: {advice}."
        )


def _keeps(call: exp.Expr, parts: Sequence[exp.Expr], parser: Parser) -> bool:
    """Return whether the text of a call has all parts of its arguments.

    Long parts are written as short names meanwhile, so that each is written once.
    """
    if not parts:
        return True
    wanted, marked = [], []
    for number, part in enumerate(parts):
        if isinstance(part, SIMPLE):
            wanted.append(part.name or part.sql())
        elif _stands_in(part, call):
            marker = exp.column(MARKER.format(number))
            part.replace(marker)
            marked.append((marker, part))
            wanted.append(marker.name)
        elif not _keeps(call, list(_list_own_parts(part)), parser):
            return False
    text = parser.dialect.generate(call).upper()
    for marker, part in marked:
        marker.replace(part)
    return _holds(text, wanted, parser.dialect.DATE_PART_MAPPING)


def _holds(text: str, wanted: Sequence[str], units: Mapping[str, str]) -> bool:
    """Return whether a text has each name, and one that is wanted twice twice.

    A unit of time may be written by its other name: HOUR for 'hours'.
    """
    words = Counter(WORDS.findall(text))
    for name in map(str.upper, wanted):
        needed = Counter(WORDS.findall(name))
        if not needed <= words:
            needed = Counter([units.get(name, name)])
        if not needed <= words:
            return False
        words -= needed
    return True


def _list_parts(argument: Any) -> Iterator[exp.Expr]:
    if isinstance(argument, AROUND):
        for part in argument.iter_expressions():
            yield from _list_parts(part)
    elif isinstance(argument, exp.Expr):
        yield argument


def _list_own_parts(part: exp.Expr) -> Iterator[exp.Expr]:
    """Yield the parts of an argument that sqlglot took apart, as in TO_HEX(MD5(x))."""
    for inner in part.iter_expressions():
        yield from _list_parts(inner)


def _stands_in(part: exp.Expr, call: exp.Expr) -> bool:
    around = part.parent
    while around is not None and around is not call:
        around = around.parent
    return around is call


def _is_distinct_pair(call: Any, args: Sequence[Any] | None) -> bool:
    """Return whether a call is an aggregate of two values behind DISTINCT."""
    first = args[0] if args else None
    return (
        isinstance(first, exp.Distinct)
        and isinstance(call, exp.AggFunc)
        and "expression" in call.arg_types
        and len(first.expressions) > 1
    )


def _find_name(tokens: Sequence[Token], end: int) -> int:
    """Return the position of the name of the call whose arguments reach to `end`."""
    depth = 1
    for position in range(end - 1, 0, -1):
        kind = tokens[position].token_type
        depth += (kind == TokenType.R_PAREN) - (kind == TokenType.L_PAREN)
        if depth == 0:
            return position - 1
    return 0
