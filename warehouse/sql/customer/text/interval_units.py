"""Amounts of time in a form that the dialect does not have: INTERVAL 1 WEEK, `now() - 7 DAY`.

sqlglot reads the number alone, which is seconds or days, and takes the unit for an alias.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import write_line
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.remedies.postgres_times import UNITS
from warehouse.sql.customer.text.postgres_operators import PREFIX_WORDS, ends_operand

NUMBER = re.compile(r"\s*[-+]?\d+(\.\d+)?\s*")
MAX_DISTANCE = (
    100  # tokens that are read before or behind one, else long texts take long
)
SIGNS = frozenset({"+", "-"})
# Words that Postgres takes behind a text, as in INTERVAL '1' DAY.
POSTGRES_UNITS = frozenset({"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"})
# Between INTERVAL and the end of its value there is none of these.
BOUNDARIES = frozenset(
    {"(", ")", ",", "[", "]", "SELECT", "WHERE", "AND", "OR", "THEN"}
)
AFTER_INTERVAL = BOUNDARIES | {"", "FROM", "GROUP BY", "ORDER BY", "AS", "HAVING", ";"}


def refuse_units(tokens: Sequence[Token], rules: Dialect) -> None:
    """Raise RefusedError at an amount of time whose unit would be lost."""
    for position, token in enumerate(tokens):
        if _read_word(tokens, position) == "INTERVAL":
            call = _find_call(tokens, position).lower()
            # Its refusal names what to write instead of both.
            if (
                call in rules.forms or call in rules.advice
            ) and call not in rules.functions:
                continue
            _refuse_interval(tokens, position, rules.name)
        elif token.token_type == TokenType.NUMBER:
            _refuse_sum(tokens, position, rules.name)


def _refuse_interval(tokens: Sequence[Token], position: int, dialect: str) -> None:
    amount, end = _read_amount(tokens, position + 1)
    is_text = _is_text(tokens, position + 1)
    word, line = _read_word(tokens, end), write_line(tokens[position].line)
    if dialect != "bigquery" and not amount and not is_text:
        _refuse_value(tokens, position, dialect)
    if not amount:
        return
    if dialect == "bigquery":
        if word in AFTER_INTERVAL or (word.isidentifier() and not _is_unit(word)):
            written = f"INTERVAL {amount}"
            raise RefusedError(
                f"{written} has no unit of time behind it{line}: write {written} DAY."
            )
    elif not is_text:
        written, unit = f"INTERVAL {amount}", word if _is_unit(word) else ""
        problem = f"{written} {unit} needs quotes" if unit else f"{written} has no unit"
        remedy = _write_interval(amount, unit or "DAY", dialect)
        if not unit and amount[0] in SIGNS:  # `interval - 7`
            remedy += ', or "interval" in quotes for a column'
        raise RefusedError(f"{problem}{line}: write {remedy}.")
    elif dialect == "postgres" and _is_unit(word) and word not in POSTGRES_UNITS:
        raise RefusedError(
            f"The word {tokens[end].text} behind INTERVAL '{amount}' is no part of it{line}:"
            f" write {_write_interval(amount, word, dialect)}."
        )


def _refuse_value(tokens: Sequence[Token], position: int, dialect: str) -> None:
    """Refuse `INTERVAL n DAY` and `INTERVAL (n) DAY`, of which sqlglot makes a text."""
    opening, end = position + 1, position + 2
    if _read_word(tokens, opening) == "(":
        end = _find_closing(tokens, opening) + 1
    elif not _read_word(tokens, opening).isidentifier():
        return
    unit = _read_word(tokens, end)
    if _is_unit(unit):
        unit = _name_unit(unit)
        remedy = {"snowflake": f"DATEADD({unit}, n, time)"}.get(
            dialect, f"n * INTERVAL '1 {unit}'"
        )
        raise RefusedError(
            f"INTERVAL needs a text in quotes{write_line(tokens[position].line)}: write"
            f" {remedy}."
        )


def _refuse_sum(tokens: Sequence[Token], position: int, dialect: str) -> None:
    """Refuse `time + 2 MONTH`, where the unit would name the column."""
    sign, unit = _read_word(tokens, position - 1), _read_word(tokens, position + 1)
    is_sum = sign in SIGNS and position > 1 and _ends_value(tokens[position - 2])
    is_call = _read_word(tokens, position + 2) in {"(", "."}
    if not is_sum or not _is_unit(unit) or is_call or _is_inside(tokens, position):
        return
    number, written = tokens[position].text, tokens[position + 1].text
    raise RefusedError(
        f"The word {written} behind {sign} {number} reads as a name"
        f"{write_line(tokens[position].line)}: write {sign}"
        f" {_write_interval(number, unit, dialect)} for a time, or AS {written} for a name."
    )


def _find_call(tokens: Sequence[Token], position: int) -> str:
    """Return the name before the innermost bracket that is open at a position."""
    depth, first = 0, max(0, position - MAX_DISTANCE)
    while position > first:
        position -= 1
        word = _read_word(tokens, position)
        depth += (word == ")") - (word == "(")
        if depth < 0:
            return _read_word(tokens, position - 1)
    return ""


def _is_inside(tokens: Sequence[Token], position: int) -> bool:
    """Return whether a number belongs to the value of an INTERVAL before it."""
    first = max(0, position - MAX_DISTANCE)
    while position >= first and _read_word(tokens, position) not in BOUNDARIES:
        if _read_word(tokens, position) == "INTERVAL":
            return True
        position -= 1
    return False


def _read_amount(tokens: Sequence[Token], position: int) -> tuple[str, int]:
    """Return the number at a position, with its sign, and the position behind it."""
    if _is_text(tokens, position):
        text = tokens[position].text.strip()
        return (text if NUMBER.fullmatch(text) else ""), position + 1
    sign = _read_word(tokens, position) if position < len(tokens) else ""
    position += sign in SIGNS
    if position < len(tokens) and tokens[position].token_type == TokenType.NUMBER:
        return f"{sign if sign in SIGNS else ''}{tokens[position].text}", position + 1
    return "", position


def _write_interval(amount: str, unit: str, dialect: str) -> str:
    name = _name_unit(unit)
    if dialect == "bigquery":
        return f"INTERVAL {amount} {name.upper()}"
    if name == "quarter" and dialect == "postgres":
        amount, name = f"{Decimal(amount) * 3}", "month"
    return f"INTERVAL '{amount} {name}{'s' * (amount not in {'1', '-1'})}'"


def _name_unit(unit: str) -> str:
    return unit.lower().removesuffix("s").removeprefix("iso")


def _is_unit(word: str) -> bool:
    return word.removesuffix("S") in UNITS


def _ends_value(token: Token) -> bool:
    return ends_operand(token) and token.text.upper() not in PREFIX_WORDS


def _is_text(tokens: Sequence[Token], position: int) -> bool:
    return position < len(tokens) and tokens[position].token_type == TokenType.STRING


def _find_closing(tokens: Sequence[Token], opening: int) -> int:
    depth = 0
    for position in range(opening, min(len(tokens), opening + MAX_DISTANCE)):
        word = _read_word(tokens, position)
        depth += (word == "(") - (word == ")")
        if depth == 0:
            return position
    return len(tokens)


def _read_word(tokens: Sequence[Token], position: int) -> str:
    """Return a token in capitals; nothing for a text, a quoted name, or one behind a dot."""
    if not 0 <= position < len(tokens):
        return ""
    token = tokens[position]
    is_path = position > 0 and tokens[position - 1].text in {".", ":"}
    if token.token_type in {TokenType.STRING, TokenType.IDENTIFIER} or is_path:
        return ""
    return " ".join(token.text.upper().split())
