"""Texts in quotes that look like parameters of other programs, which nothing fills in."""

import re
from collections.abc import Iterator

from sqlglot.tokenizer_core import TokenType

from warehouse.sql.customer.text.tokens import read_tokens
from warehouse.sql.shapes import CheckedQuery

PARAMETERS = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\$\{.*?\}|<%.*?%>|%\(\w+\)s|^@start_date$", re.DOTALL
)
TEXTS = frozenset(
    {TokenType.STRING, TokenType.RAW_STRING, TokenType.BYTE_STRING, TokenType.HEREDOC_STRING}
)  # fmt: skip
UNFILLED = (
    "The text '{text}' looks like a parameter of another program. Nothing is filled in "
    "here, so that it is compared as it stands: write the value itself, or @start_date "
    "without quotes for the start date."
)
MAX_LENGTH = 60


def list_text_warnings(query: CheckedQuery) -> list[str]:
    """Return a warning for each text of a query that looks like a parameter."""
    texts = dict.fromkeys(_find_texts(query))
    return [UNFILLED.format(text=text) for text in texts]


def _find_texts(query: CheckedQuery) -> Iterator[str]:
    for token in read_tokens(query.text, query.dialect):
        if token.token_type in TEXTS and PARAMETERS.search(token.text):
            is_long = len(token.text) > MAX_LENGTH
            yield f"{token.text[:MAX_LENGTH]}…" if is_long else token.text
