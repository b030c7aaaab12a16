"""Operators of Postgres that look like another program's parameters: `?` and a slice's `:`."""

from collections.abc import Iterator, Sequence

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.dialects import Dialect

# Tokens that end a value, and tokens that begin one.
CLOSING_TOKENS = frozenset(
    {
        TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.IDENTIFIER, TokenType.VAR,
        TokenType.STRING, TokenType.NUMBER,
    }
)  # fmt: skip
OPENING_TOKENS = frozenset({TokenType.STRING, TokenType.IDENTIFIER, TokenType.L_PAREN})
# Words after which a value stands, so that a question mark is a parameter.
PREFIX_WORDS = frozenset(
    {
        "ALL", "AND", "ANY", "AS", "BETWEEN", "BY", "CASE", "DISTINCT", "ELSE", "ESCAPE",
        "FETCH", "FIRST", "FOR", "FROM", "HAVING", "ILIKE", "IN", "INTERVAL", "IS", "JOIN",
        "LIKE", "LIMIT", "NEXT", "NOT", "OFFSET", "ON", "OR", "SELECT", "SIMILAR", "SOME",
        "THEN", "TO", "USING", "VALUES", "WHEN", "WHERE",
    }
)  # fmt: skip


def find_operators(tokens: Sequence[Token], rules: Dialect) -> frozenset[int]:
    """Return the positions of `?` between two values and of `:` in a subscript.

    Every other `?` and `:` of a Postgres text is a parameter. Other dialects have neither.
    """
    if rules.name != "postgres":
        return frozenset()
    lookups = {
        position
        for position, token in enumerate(tokens)
        if token.token_type == TokenType.PLACEHOLDER and _is_lookup(tokens, position)
    }
    return frozenset(lookups.union(_find_slices(tokens)))


def ends_operand(token: Token | None) -> bool:
    """Return whether a token may end a value; a word may be a column's name."""
    return token is not None and (
        token.token_type in CLOSING_TOKENS or token.text.isidentifier()
    )


def _is_lookup(tokens: Sequence[Token], position: int) -> bool:
    """Return whether a question mark looks a key up, as in `value ? 'key'`."""
    if not 0 < position < len(tokens) - 1 or not _names_value(tokens[position - 1]):
        return False
    following = tokens[position + 1]
    return following.token_type in OPENING_TOKENS or following.text.isidentifier()


def _names_value(token: Token) -> bool:
    return ends_operand(token) and token.text.upper() not in PREFIX_WORDS


def _find_slices(tokens: Sequence[Token]) -> Iterator[int]:
    """Yield the positions of colons whose innermost bracket is a subscript."""
    subscripts: list[bool] = []  # of the open brackets
    previous: Token | None = None
    for position, token in enumerate(tokens):
        kind = token.token_type
        if kind in {TokenType.L_PAREN, TokenType.L_BRACKET}:
            is_array = previous is not None and previous.text.upper() == "ARRAY"
            is_subscript = kind == TokenType.L_BRACKET and ends_operand(previous)
            subscripts.append(is_subscript and not is_array)
        elif kind in {TokenType.R_PAREN, TokenType.R_BRACKET} and subscripts:
            subscripts.pop()
        elif kind == TokenType.COLON and subscripts and subscripts[-1]:
            yield position
        previous = token
