"""Warnings of columns of yes and no in a metric that counts each row, whatever it holds."""

import re
from collections.abc import Iterable, Mapping, Sequence

from warehouse.backends.query_results import QueryResult

# What a column of yes and no holds: no, then yes.
FLAGS = (
    ("false", "true"), ("0", "1"), ("f", "t"), ("no", "yes"), ("n", "y"), ("off", "on"),
    ("0", "100"), ("-1", "1"),
)  # fmt: skip
# What a column of yes and NULL holds.
YES_WORDS = frozenset({"true", "1", "t", "yes", "y", "on"})
WHOLE_NUMBERS = re.compile(r"(-?\d+)\.0+", re.ASCII)
ALWAYS_NULL = (
    "Column {column!r} is NULL in {rows}, and every row counts as a conversion: select "
    "the rows that are conversions by a condition."
)
EVERY_ROW = "every row"
FIRST_ROWS = "each of the first {count:,} rows"


def list_flag_warnings(
    result: QueryResult, roles: Mapping[str, str], computed: Iterable[str] = ()
) -> list[str]:
    """Return a warning for each yes/no column of a metric that counts rows.

    `roles` are the mapped columns by role: nobody selects by them. `computed` are columns
    that the query makes: NULL in every row says as much there as in the value's column.
    Only the rows of `result` are looked at, and where there are more the text says so.
    """
    count = len(result.rows)
    rows = FIRST_ROWS.format(count=count) if result.truncated else EVERY_ROW
    other_columns = set(result.columns) - {
        name for role, name in roles.items() if role != "value"
    }
    flags = {
        name: _find_flag([row[index] for row in result.rows])
        for index, name in enumerate(result.columns)
        if name in other_columns
    }
    return [
        f"Column {name!r} is {flag[0]} in some rows, and every row counts as a conversion: "
        f"select the rows in which it is {flag[1]}."
        for name, flag in flags.items()
        if flag
    ] + [
        ALWAYS_NULL.format(column=name, rows=rows)
        for index, name in enumerate(result.columns)
        if name in other_columns & {roles.get("value"), *computed}
        and result.rows
        and all(row[index] is None for row in result.rows)
    ]


def _find_flag(values: Sequence[object]) -> tuple[str, str] | None:
    """Return no and yes as a column that holds these alone writes them, if one is no."""
    spellings: dict[str, dict[str, None]] = {}
    for value in values:
        if value is not None:
            spellings.setdefault(_read_flag(value), {})[_write_flag(value)] = None
    for no, yes in FLAGS:
        if no in spellings and spellings.keys() <= {no, yes}:
            noes = list(spellings[no])
            yeses = list(spellings.get(yes, ())) or [_match_case(yes, noes[0])]
            return " or ".join(noes), " or ".join(yeses)
    return _find_lone_yes(spellings, has_null=None in values)


def _find_lone_yes(
    spellings: Mapping[str, Mapping[str, None]], *, has_null: bool
) -> tuple[str, str] | None:
    """Return NULL or an empty text as no, if a word for yes is all else in a column."""
    noes = ["NULL"] * has_null + ["an empty text"] * ("" in spellings)
    words = [word for word in spellings if word]
    if not noes or len(words) != 1 or words[0] not in YES_WORDS:
        return None
    return " or ".join(noes), " or ".join(spellings[words[0]])


def _read_flag(value: object) -> str:
    """Return a value as one of FLAGS is written: exact decimals and times are texts."""
    text = str(value).strip().lower()
    whole = WHOLE_NUMBERS.fullmatch(text)
    return whole[1] if whole else text


def _write_flag(value: object) -> str:
    """Return a value as the column has it, in quotes where blanks stand around."""
    if not isinstance(value, str):
        return _read_flag(value)
    return value if value == value.strip() else repr(value)


def _match_case(word: str, example: str) -> str:
    if example.isupper():
        return word.upper()
    return word.title() if example.istitle() else word
