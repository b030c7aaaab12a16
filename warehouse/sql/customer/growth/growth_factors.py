"""How much longer one function or operator makes a text, from the growth of its parts."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod

from sqlglot import exp

UNKNOWN_FACTOR = 1000  # of a replacement or separator that is no literal
ESCAPING_FACTOR = 2  # quotes and backslashes get a backslash in front
PATTERN_FACTOR = 8  # of a pattern of to_char
SPREADING_FACTOR = 5  # a character becomes an element with quotes and a comma, or \\001
# Each adds its parts up.
JOINING: tuple[type[exp.Expr], ...] = (
    exp.Concat, exp.DPipe, exp.Overlay, exp.ArrayAppend, exp.ArrayPrepend,
    exp.JSONKeyValue,
)  # fmt: skip
JOINING_NAMES = frozenset({"array_cat", "jsonb_insert", "jsonb_set"})
# Each adds its parts up and escapes them, at once or when the value becomes a text.
WRITING: tuple[type[exp.Expr], ...] = (
    exp.Array, exp.ArrayAgg, exp.JSONArray, exp.JSONArrayAgg, exp.JSONObject, exp.Tuple,
)  # fmt: skip
WRITING_NAMES = frozenset(
    {
        "array_to_json", "json_build_array", "json_build_object", "json_object",
        "json_object_agg", "jsonb_agg", "jsonb_build_array", "jsonb_build_object",
        "jsonb_object", "jsonb_object_agg",
        "quote_literal", "quote_nullable", "row", "row_to_json", "to_json", "to_jsonb",
    }
)  # fmt: skip
SPREADING_NAMES = frozenset({"regexp_split_to_array", "to_tsvector"})
UNKNOWN_NAMES = frozenset({"array_replace", "jsonb_pretty"})


@dataclass(frozen=True, slots=True)
class Growth:
    """How often the longest text of the tables may stand in one value.

    Inside a recursive WITH, `earlier` is how often the text of the round before may.
    """

    text: float = 1
    earlier: float = 0


def find_largest(growths: Iterable[Growth]) -> Growth:
    """Return what no value exceeds; without a value, what one text of a table is."""
    listed = list(growths) or [Growth()]
    return Growth(
        max(growth.text for growth in listed), max(growth.earlier for growth in listed)
    )


def compute_growth(node: exp.Expr, parts: Sequence[tuple[exp.Expr, Growth]]) -> Growth:
    """Return the growth of a node that is no column and no query, from its parts'."""
    name = str(node.this).lower() if isinstance(node, exp.Anonymous) else ""
    if isinstance(node, exp.ConcatWs | exp.GroupConcat):
        return _separate(node, parts)
    is_writing = isinstance(node, WRITING) or name in WRITING_NAMES
    if is_writing or isinstance(node, JOINING) or name in JOINING_NAMES:
        variable = [
            growth for part, growth in parts if not isinstance(part, exp.Literal)
        ]
        return Growth(
            (sum(growth.text for growth in variable) or 1) * (1 + is_writing),
            sum(growth.earlier for growth in variable) * (1 + is_writing),
        )
    factor = _compute_factor(node, name)
    largest = find_largest(growth for _, growth in parts)
    if factor == UNKNOWN_FACTOR:  # the text that is inserted may have grown as well
        grown = prod(growth.text for _, growth in parts)
        return Growth(factor * grown, factor * largest.earlier)
    return Growth(factor * largest.text, factor * largest.earlier)


def _separate(node: exp.Expr, parts: Sequence[tuple[exp.Expr, Growth]]) -> Growth:
    """Return the growth of texts with a separator in every gap between them.

    A separator in quotes counts its length; VARIADIC has as many gaps as its list.
    """
    separator = node.args.get("separator") or (node.expressions or [None])[0]
    joined = [(part, growth) for part, growth in parts if part is not separator]
    gaps: float = max(1, len(joined) - 1)
    if any(isinstance(part, exp.Variadic) for part, _ in joined):
        gaps = UNKNOWN_FACTOR
    variable = [growth for part, growth in joined if not isinstance(part, exp.Literal)]
    text = sum(growth.text for growth in variable)
    earlier = sum(growth.earlier for growth in variable)
    if isinstance(separator, exp.Literal):
        text += gaps * len(separator.name)
    else:
        between = find_largest(growth for part, growth in parts if part is separator)
        text += gaps * between.text * (separator is not None)
        earlier += gaps * between.earlier
    return Growth(max(1, text), earlier)


def _compute_factor(node: exp.Expr, name: str) -> float:
    """Return by how much a function can make its longest part longer; at least 1."""
    if name in UNKNOWN_NAMES:
        return UNKNOWN_FACTOR
    if name.startswith("jsonb_path_query"):
        return _compute_path_factor(node)
    if name in SPREADING_NAMES:
        return SPREADING_FACTOR
    if name == "to_char":
        return _compute_pattern_factor(node)
    compute = _FACTORS.get(type(node))
    return compute(node) if compute else 1


def _compute_format_factor(node: exp.Expr) -> float:
    """Return how often a format writes its arguments: '%1$s%1$s' writes one twice."""
    return float(ESCAPING_FACTOR * max(1, node.this.name.count("%")))


def _compute_pattern_factor(node: exp.Expr) -> float:
    """Return how much longer than its pattern a number or time may be: J is 7 digits."""
    pattern = node.expressions[1] if len(node.expressions) > 1 else None
    return 1 if isinstance(pattern, exp.Literal) else PATTERN_FACTOR


def _compute_repeat_factor(node: exp.Expr) -> float:
    times = node.args["times"]
    return int(times.name) if times.is_int else UNKNOWN_FACTOR


def _compute_separator_factor(node: exp.Expr) -> float:
    inserted = (node.expression, node.args.get("null"))
    return max(_measure_inserted(part) for part in inserted)


def _measure_inserted(node: object) -> float:
    """Return the length of a text that is put between or instead of elements, plus 1."""
    if node is None:
        return 1
    return len(node.name) + 1 if isinstance(node, exp.Literal) else UNKNOWN_FACTOR


def _compute_path_factor(node: exp.Expr) -> float:
    """Return how often a JSON path can return a part: `$[*, *]` returns each twice."""
    path = node.expressions[1] if len(node.expressions) > 1 else None
    if not isinstance(path, exp.Literal) or "**" in path.name:
        return UNKNOWN_FACTOR
    lists = re.findall(r"\[[^\]]*\]", path.name)
    return float(prod(subscripts.count(",") + 1 for subscripts in lists))


def _compute_replacing_factor(node: exp.Expr) -> float:
    pattern, replacement = node.expression, node.args.get("replacement")
    if replacement is None:
        return 1
    if not isinstance(replacement, exp.Literal):
        return UNKNOWN_FACTOR
    length = len(replacement.name)
    if isinstance(node, exp.RegexpReplace):
        return length + 1  # a pattern may match nothing, between any two characters
    pattern_length = len(pattern.name) if isinstance(pattern, exp.Literal) else 1
    return max(1, length / max(1, pattern_length))


_FACTORS: dict[type[exp.Expr], Callable[[exp.Expr], float]] = {
    exp.ArrayToString: _compute_separator_factor,
    exp.Encode: lambda _node: SPREADING_FACTOR,
    exp.Format: _compute_format_factor,
    exp.RegexpReplace: _compute_replacing_factor,
    exp.Repeat: _compute_repeat_factor,
    exp.Replace: _compute_replacing_factor,
    exp.StringToArray: lambda _node: SPREADING_FACTOR,
}
