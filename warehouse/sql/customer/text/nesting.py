"""Limits of a query's nesting, by its tokens: the parser may be exponential in it."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.refusal import RefusedError

# Levels of brackets and CASE in any mixture, and prefix operators in a row (NOT NOT NOT):
# each costs the parser stack.
MAX_DEPTH = 24
# The parser reads some brackets more than once: as a type, then as an expression. A token
# inside n of them is read up to FACTOR ** n times.
FACTOR = 4
MAX_READS = 40_000
OPENING = {
    TokenType.L_PAREN: TokenType.R_PAREN,
    TokenType.L_BRACKET: TokenType.R_BRACKET,
    TokenType.L_BRACE: TokenType.R_BRACE,
    TokenType.CASE: TokenType.END,
    TokenType.LT: TokenType.GT,  # only after a type, as in ARRAY<INT64>
}
# Parentheses are read more than once after a type only, as in DECIMAL(1).
REREAD_BRACKETS = {TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.LT}
CLOSING = set(OPENING.values())
# What follows one of these, in the same brackets, is read more than once.
REREAD_CLAUSES = {TokenType.LIMIT, TokenType.FETCH, TokenType.OFFSET, TokenType.TOP}
PREFIXES = {TokenType.NOT, TokenType.DASH, TokenType.PLUS, TokenType.TILDE}
SUBSCRIPT = (TokenType.R_BRACKET, TokenType.L_BRACKET)  # a[1][2]: quadratic in a chain
TOO_DEEP = "The query is nested too deeply at line {}: simplify it."


@dataclass(slots=True)
class _Level:
    """An open bracket: what closes it, and whether the parser reads it again."""

    closing: TokenType | None
    is_reread: bool


def require_shallow(tokens: Sequence[Token], types: Container[TokenType]) -> None:
    """Raise RefusedError if parsing these tokens could take more than linear time.

    `types` are the tokens that the parser takes for the start of a type.
    """
    levels = [_Level(None, is_reread=False)]
    reads = prefixes = subscripts = 0
    previous: TokenType | None = None
    for token in tokens:
        kind = token.token_type
        if kind in CLOSING:
            _close_level(levels, kind)
        elif kind in OPENING and (kind != TokenType.LT or previous in types):
            is_reread = kind in REREAD_BRACKETS or (
                kind == TokenType.L_PAREN and previous in types
            )
            levels.append(_Level(OPENING[kind], is_reread))
        elif kind in REREAD_CLAUSES:
            levels[-1].is_reread = True
        prefixes = prefixes + 1 if kind in PREFIXES else 0
        subscripts += (previous, kind) == SUBSCRIPT
        reads += FACTOR ** sum(level.is_reread for level in levels)
        if max(len(levels) - 1, prefixes, subscripts) > MAX_DEPTH or reads > MAX_READS:
            raise RefusedError(TOO_DEEP.format(token.line))
        previous = kind


def _close_level(levels: list[_Level], closing: TokenType) -> None:
    """Close the innermost bracket of this kind, with what is open inside it."""
    for depth in range(len(levels) - 1, 0, -1):
        if levels[depth].closing == closing:
            del levels[depth:]
            return
