"""Parameters of other programs in quotes where a time is expected: they would be texts."""

import re
from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.messages import START_DATE, write_line
from warehouse.sql.customer.refusal import RefusedError

NAMED = re.compile(
    r"@start_date|\{\{.*\}\}.*|\$\{.*\}.*|[:$]\{?[a-z_]\w*\}?|%\(\w+\)s|<%.*%>"
    r"|\[\[\s*\w+\s*\]\]"
    # With one sign only what looks like a time: '{a}' is an array of Postgres.
    r"|[{<&#%]+\w*(start|since|from|date|day|time)\w*[}>#%]?",
    re.IGNORECASE | re.DOTALL,
)
# A text may be one of these where it is compared, but none can be cast to a time.
BARE = re.compile(r"\?+|%s|[$:]\d+|&+\w+|\{\w*\}|<\w+>|#\w+#")
TIMES = frozenset({"DATE", "DATETIME", "TIMESTAMP", "TIMESTAMPTZ"})
CASTS = TIMES | {"TIMESTAMP_LTZ", "TIMESTAMP_NTZ", "TIMESTAMP_TZ"}
COMPARISONS = frozenset({"<", "<=", ">", ">=", "BETWEEN"})
TIME_CALLS = TIMES | {"TO_DATE", "TO_TIMESTAMP", "TO_TIMESTAMP_NTZ", "TO_TIMESTAMP_TZ"}


def refuse_quoted(tokens: Sequence[Token]) -> None:
    """Raise RefusedError at a text that is a parameter, cast to a time or compared so."""
    for position, token in enumerate(tokens):
        if token.token_type != TokenType.STRING:
            continue
        is_cast, is_compared = _read_place(tokens, position)
        is_named = NAMED.fullmatch(token.text) and (is_cast or is_compared)
        if is_named or (is_cast and BARE.fullmatch(token.text)):
            raise RefusedError(
                f"The text '{_shorten(token.text)}' is no time{write_line(token.line)}:"
                f" write {START_DATE} without quotes for the start date, and other values"
                " as they are."
            )


def _read_place(tokens: Sequence[Token], position: int) -> tuple[bool, bool]:
    """Return whether a text becomes a time, and whether it is compared by order.

    Brackets around it alone change nothing.
    """
    first, last = position - 1, position + 1
    while _read_word(tokens, first) == "(" and _read_word(tokens, last) == ")":
        if _read_word(tokens, first - 1) in TIME_CALLS:
            return True, False
        first, last = first - 1, last + 1
    before, after = _read_word(tokens, first), _read_word(tokens, last)
    called = _read_word(tokens, first - 1) if before == "(" else ""
    is_typed = after in {"::", "AS"} and _read_word(tokens, last + 1) in CASTS
    is_cast = before in TIMES or called in TIME_CALLS or is_typed
    return is_cast, bool({before, after} & COMPARISONS)


def _read_word(tokens: Sequence[Token], position: int) -> str:
    """Return a token in capitals; nothing for a text, or outside of the tokens."""
    if not 0 <= position < len(tokens):
        return ""
    token = tokens[position]
    return "" if token.token_type == TokenType.STRING else token.text.upper()


def _shorten(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
