"""Words of Snowflake's text that are judged before it is parsed."""

from collections.abc import Sequence
from itertools import pairwise

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.messages import ONE_PARAMETER, TEMPLATE_REMEDY, write_line
from warehouse.sql.customer.refusal import RefusedError

ROW_FUNCTIONS = ("FLATTEN", "SPLIT_TO_TABLE", "STRTOK_SPLIT_TO_TABLE", "GENERATOR")

# Clauses that read `word (…)`, and what to write instead.
UNKNOWN_CLAUSES = {
    "RESAMPLE": "a calendar of TABLE(GENERATOR(ROWCOUNT => n)) joined to the table",
    "SEMANTIC_VIEW": "the tables below the view",
}


def refuse_tables(tokens: Sequence[Token]) -> None:
    """Raise RefusedError at TABLE, unless it holds one of the functions that make rows."""
    for position, token in enumerate(tokens):
        if token.token_type != TokenType.TABLE:
            continue
        inside = [following.text for following in tokens[position + 1 :][:3]]
        is_call = inside[::2] == ["(", "("]
        if not is_call or inside[1].upper() not in ROW_FUNCTIONS:
            name = _read_call(tokens, position + 1)
            raise RefusedError(
                f"TABLE{name} is not allowed{write_line(token.line)}, except around"
                f" {', '.join(ROW_FUNCTIONS)}: name a table, or a view that calls the"
                " function."
            )


def _read_call(tokens: Sequence[Token], position: int) -> str:
    """Return `(app.f(…))` where the tokens from a position on are a call in brackets."""
    name = ""
    for token in tokens[position + 1 :]:
        if token.token_type == TokenType.L_PAREN:
            return f"({name}(…))" if name else ""
        if not token.text.isidentifier() and token.token_type != TokenType.DOT:
            break
        name += token.text
    return ""


def refuse_foreign_words(tokens: Sequence[Token]) -> None:
    """Raise RefusedError at a clause that the parser does not know, by its name.

    Likewise at a variable or template of Snowflake's own programs.
    """
    for token, following in pairwise(tokens):
        line = write_line(token.line)
        word = token.text.upper()
        is_adjacent = following.start == token.end + 1
        if word in UNKNOWN_CLAUSES and following.token_type == TokenType.L_PAREN:
            raise RefusedError(
                f"The clause {word} is not allowed{line}: write"
                f" {UNKNOWN_CLAUSES[word]} instead."
            )
        if token.token_type == TokenType.AMP:
            raise RefusedError(
                f"The parameter &{following.text} is unknown{line}: {ONE_PARAMETER}"
            )
        if (word, following.text[:1]) == ("!", "~") and is_adjacent:
            raise RefusedError(
                f"The operator !~ is not allowed{line}: write"
                " REGEXP_INSTR(text, 'pattern') = 0 instead."
            )
        if (word, following.text) == ("<", "%") and is_adjacent:
            raise RefusedError(
                f"The template <% … %> is not filled in here{line}: {TEMPLATE_REMEDY}"
            )


def names_position(token: Token, following: Token | None) -> bool:
    """Return whether two tokens are `$1`, a column by its position.

    Which columns have positions is judged later (snowflake_spelling).
    """
    return (
        token.token_type == TokenType.PARAMETER
        and token.text == "$"
        and following is not None
        and following.token_type == TokenType.NUMBER
        and following.start == token.end + 1
    )
