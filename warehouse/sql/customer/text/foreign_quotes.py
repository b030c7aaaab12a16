"""Quotes and brackets around names and texts that a dialect does not have, by their tokens."""

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import write_line
from warehouse.sql.customer.refusal import RefusedError

# As word processors write them: double ones, single ones, and the acute accent.
TYPOGRAPHIC = frozenset("\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00b4")
NAME_QUOTES = {"bigquery": "`"}
BEFORE_NAME = frozenset(
    {TokenType.COMMA, TokenType.DISTINCT, TokenType.SELECT, TokenType.WHERE}
)
BEFORE_TABLE = frozenset({TokenType.FROM, TokenType.JOIN})


def refuse_quotes(sql: str, tokens: Sequence[Token], rules: Dialect) -> None:
    """Raise RefusedError at typographic quotes, brackets around a name, and TOP."""
    quote = NAME_QUOTES.get(rules.name, '"')
    depth = 0  # of square brackets
    for position, token in enumerate(tokens):
        line = write_line(token.line)
        found = _find_typographic(sql, token)
        if found:
            raise RefusedError(
                f"The quote {found} is none of SQL's{line}: write ' around a text, and"
                f" {quote} around a name."
            )
        name = _read_backticked(sql, token) if quote == '"' else ""
        if name:
            raise RefusedError(
                f"The backticks around `{name}` are not read{line}: write"
                f" {_write_name(name)}."
            )
        name = _read_bracketed(sql, tokens, position, rules)
        if name and depth == 0:
            raise RefusedError(
                f"The brackets around [{name}] are not read{line}: write"
                f" {_quote_bracketed(name.replace(':', '.'), rules)}."
            )
        if rules.name != "snowflake" and _is_top(tokens, position):
            raise RefusedError(
                f"TOP is not allowed{line}: write LIMIT {tokens[position + 1].text} at the"
                " end of the query."
            )
        depth += token.token_type == TokenType.L_BRACKET
        depth -= token.token_type == TokenType.R_BRACKET


def _find_typographic(sql: str, token: Token) -> str:
    """Return the first typographic quote of a token that is no text or quoted name."""
    is_bare = token.token_type == TokenType.VAR or sql[token.start] in TYPOGRAPHIC
    characters = sql[token.start : token.end + 1] if is_bare else ""
    return next((each for each in characters if each in TYPOGRAPHIC), "")


def _read_backticked(sql: str, token: Token) -> str:
    """Return the name in backticks that begin at a token; "" without."""
    end = sql.find("`", token.start + 1)
    return sql[token.start + 1 : end] if sql[token.start] == "`" and end > 0 else ""


def _write_name(name: str) -> str:
    """Return a name with each part in double quotes, if it needs some."""
    parts = name.replace("`", "").split(".")
    plain = [part.isidentifier() and part == part.lower() for part in parts]
    return ".".join(
        part if is_plain else f'"{part}"'
        for part, is_plain in zip(parts, plain, strict=True)
    )


def _read_bracketed(
    sql: str, tokens: Sequence[Token], position: int, rules: Dialect
) -> str:
    """Return the name in `[name]` where a name stands; elsewhere it is an array."""
    if not position or tokens[position].token_type != TokenType.L_BRACKET:
        return ""
    before = tokens[position - 1].token_type
    is_name = before in BEFORE_NAME and rules.name == "postgres"
    if not is_name and before not in BEFORE_TABLE:
        return ""
    start = tokens[position].end + 1
    name = sql[start : max(start, sql.find("]", start))]
    return (
        name if name and name.replace(":", "").replace(".", "").isidentifier() else ""
    )


def _quote_bracketed(name: str, rules: Dialect) -> str:
    """Return a name in quotes: BigQuery's around the whole, Postgres' around each part."""
    if rules.name == "snowflake":  # which stores names without quotes in capitals
        return name
    quote = NAME_QUOTES.get(rules.name, '"')
    parts = [name] if quote == "`" else name.split(".")
    return ".".join(f"{quote}{part}{quote}" for part in parts)


def _is_top(tokens: Sequence[Token], position: int) -> bool:
    """Return whether a token is TOP behind SELECT, with a number behind it."""
    if not position or tokens[position].text.upper() != "TOP":
        return False
    is_first = tokens[position - 1].token_type in {TokenType.SELECT, TokenType.DISTINCT}
    following = [token.token_type for token in tokens[position + 1 :][:1]]
    return is_first and following == [TokenType.NUMBER]
