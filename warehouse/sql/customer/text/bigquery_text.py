"""What BigQuery's text may hold beside plain SQL, and is refused by its tokens."""

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.messages import write_line
from warehouse.sql.customer.refusal import RefusedError

NAMES = frozenset({TokenType.VAR, TokenType.IDENTIFIER})


def refuse_other_syntax(tokens: Sequence[Token]) -> None:
    """Raise RefusedError at a table or model as an argument: sqlglot reads neither."""
    for position, token in enumerate(tokens):
        if token.token_type == TokenType.TABLE and position:
            raise RefusedError(
                f"A table as an argument is not allowed{write_line(token.line)}: read the"
                " table itself."
            )
        if path := _read_json_path(tokens, position):
            value, _, keys = path.partition(":")
            raise RefusedError(
                f"The path {path} is not read{write_line(token.line)}: write"
                f" JSON_VALUE({value}, '$.{keys}')."
            )
        if _names_model(tokens[position : position + 3]):
            raise RefusedError(
                f"The model {_read_path(tokens, position + 2)} cannot be read"
                f"{write_line(token.line)}: store its predictions in a table and read"
                " that."
            )


def _read_path(tokens: Sequence[Token], position: int) -> str:
    """Return the name that begins at a position, with what its dots add to it."""
    path = tokens[position].text
    while [token.token_type for token in tokens[position + 1 :][:1]] == [TokenType.DOT]:
        path += "".join(token.text for token in tokens[position + 1 :][:2])
        position += 2
    return path


def _read_json_path(tokens: Sequence[Token], position: int) -> str:
    """Return `p:a.b`, Snowflake's path into JSON, from the position of its colon."""
    if not 0 < position < len(tokens) - 1:
        return ""
    value, colon, key = tokens[position - 1 : position + 2]
    is_path = colon.token_type == TokenType.COLON and key.token_type in NAMES
    is_value = value.token_type in NAMES or value.text in {")", "]"}
    if not is_path or not is_value or value.end + 1 != colon.start:
        return ""
    name, before = value.text if value.token_type in NAMES else "…", position - 2
    while before > 0 and tokens[before].token_type == TokenType.DOT:
        name = f"{tokens[before - 1].text}.{name}"
        before -= 2
    return f"{name}:{_read_path(tokens, position + 1)}"


def _names_model(tokens: Sequence[Token]) -> bool:
    """Return whether three tokens are `(MODEL name`; a column may be called model."""
    return (
        len(tokens) == 3
        and tokens[0].token_type == TokenType.L_PAREN
        and tokens[1].text.upper() == "MODEL"
        and tokens[2].token_type in NAMES
    )
