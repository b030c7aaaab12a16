"""Texts that stop too early: sqlglot takes a lone clause word for the alias before it."""

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import UNFINISHED, write_line
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.text.postgres_operators import PREFIX_WORDS, ends_operand

# Words that no dialect takes for a name, and that need something behind them.
RESERVED = frozenset(
    {
        "AND", "CASE", "DISTINCT", "ELSE", "FOR", "GROUP", "GROUP BY", "HAVING", "IN",
        "INTERSECT", "INTO", "IS", "LIKE", "NOT", "ON", "OR", "ORDER", "ORDER BY",
        "PARTITION BY", "THEN", "TO", "UNION", "USING", "WHEN", "WHERE", "WITH",
    }
)  # fmt: skip
# The others that one dialect reserves. Elsewhere `offset` may be a column.
JOINS = frozenset({"CROSS", "FULL", "INNER", "LEFT", "NATURAL", "RIGHT"})
OWN_RESERVED = {
    "postgres": JOINS | {"EXCEPT", "FETCH", "LATERAL", "LIMIT", "OFFSET", "WINDOW"},
    "snowflake": frozenset({"BETWEEN", "BY", "FETCH", "MINUS", "QUALIFY", "SET"}),
    "bigquery": JOINS
    | {"BETWEEN", "BY", "EXCEPT", "FETCH", "LIMIT", "PARTITION", "QUALIFY", "SET", "WINDOW"},
}  # fmt: skip
# Behind GROUP BY and ORDER BY these begin the next clause, where they are reserved.
CLAUSES = frozenset(
    {
        "EXCEPT", "FETCH", "HAVING", "INTERSECT", "LIMIT", "OFFSET", "ORDER BY", "QUALIFY",
        "UNION", "WINDOW",
    }
)  # fmt: skip
BEFORE_NAME = frozenset({".", ":", "AS"})
BEFORE_END = frozenset({"CASE", "ELSE", "THEN"})
AFTER_GROUP = frozenset({"(", "BY", "SIBLINGS", "=>", ":"})
NAMES = frozenset({TokenType.IDENTIFIER, TokenType.STRING})


def refuse_unfinished(tokens: Sequence[Token], rules: Dialect) -> None:
    """Raise RefusedError at a clause word with nothing behind it, and at a last GO."""
    words = RESERVED | OWN_RESERVED[rules.name]
    before, previous = "", None
    for position, token in enumerate(tokens):
        word, following = (_read_word(tokens, at) for at in (position, position + 1))
        if word in words and before not in BEFORE_NAME:
            is_alone = following in {"", ")"} and not _is_name(tokens, position + 1)
            is_empty = word.endswith(" BY") and following in CLAUSES & words
            is_empty |= word in BEFORE_END and following == "END"
            if is_alone or is_empty:
                raise _refuse(word, token)
            if _is_alias(word, previous, following):
                raise _refuse_lone(tokens, position)
        is_as = word == "AS" and before not in BEFORE_NAME
        if is_as and _lacks_name(tokens, position + 1):
            raise _refuse(word, token)
        if word == "GO" and position + 1 == len(tokens):
            _refuse_separator(previous, token)
        before, previous = word, token


def _refuse(word: str, token: Token) -> RefusedError:
    return RefusedError(UNFINISHED.format(word=word, line=write_line(token.line)))


def _refuse_lone(tokens: Sequence[Token], position: int) -> RefusedError:
    """Return the error for `GROUP name`, and for GROUP with nothing behind it."""
    token, following = tokens[position], tokens[position + 1]
    word = token.text.upper()
    words = RESERVED | PREFIX_WORDS | CLAUSES
    if not ends_operand(following) or following.text.upper() in words:
        return _refuse(word, token)
    return RefusedError(
        f"The word {word} lacks BY{write_line(token.line)}: write {word} BY"
        f" {following.text}."
    )


def _lacks_name(tokens: Sequence[Token], position: int) -> bool:
    """Return whether no name stands behind AS: Postgres takes `a AS from` for one."""
    word, following = (_read_word(tokens, at) for at in (position, position + 1))
    is_next = word == "FROM" and following not in {"", "FROM", ",", ")"}
    is_end = word in {"", ")", ",", "WHERE"} | CLAUSES and not word.isidentifier()
    is_end |= word.endswith(" BY") or (
        word == "WHERE" and following not in {"", ",", ")"}
    )
    return (is_end and not _is_name(tokens, position)) or is_next


def _read_word(tokens: Sequence[Token], position: int) -> str:
    """Return a token in capitals with single spaces; nothing for a text or quoted name."""
    if position >= len(tokens) or _is_name(tokens, position):
        return ""
    return " ".join(tokens[position].text.upper().split())


def _is_name(tokens: Sequence[Token], position: int) -> bool:
    return position < len(tokens) and tokens[position].token_type in NAMES


def _is_alias(word: str, previous: Token | None, following: str) -> bool:
    """Return whether GROUP or ORDER stands where only an alias may, as in `t ORDER, u`."""
    is_clause = word in {"GROUP", "ORDER"} and following not in AFTER_GROUP
    return is_clause and _ends_value(previous)


def _ends_value(token: Token | None) -> bool:
    if token is None or token.text.upper() in PREFIX_WORDS:
        return False
    return ends_operand(token)


def _refuse_separator(previous: Token | None, token: Token) -> None:
    if _ends_value(previous) and previous and previous.line < token.line:
        raise RefusedError(
            f"The word {token.text} ends a script of another program"
            f"{write_line(token.line)}: leave it out."
        )
