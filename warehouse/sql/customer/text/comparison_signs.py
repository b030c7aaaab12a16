"""Comparisons that no dialect has, as they are misspelt: `=<`, `! =`, `≥`."""

import re
from collections.abc import Sequence

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.messages import write_line
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.text.placeholders import TEXTS

SIGNS = re.compile(r"[=<>!~]+|[≤≥≠]")
SPACED = re.compile(r"([<>!])[ \t]+([=>])(?![=<>!~])|(=)[ \t]+(=)(?![=<>!~])")
REMEDIES = {
    "=<": "<=", "<==": "<=", "!>": "<=", "≤": "<=",
    ">==": ">=", "!<": ">=", "≥": ">=",
    "=!": "<>", "><": "<>", "!==": "<>", "=!=": "<>", "≠": "<>", "~=": "<>",
    "===": "=", "= =": "=",
    "< =": "<=", "> =": ">=", "! =": "<>", "< >": "<>",
}  # fmt: skip


def refuse_misspelt(sql: str, tokens: Sequence[Token]) -> None:
    """Raise RefusedError at a misspelt comparison, with the one that is meant."""
    end = 0  # of the run of signs before
    for position, token in enumerate(tokens):
        if token.token_type in TEXTS or token.start < end:
            continue
        found = SPACED.match(sql, token.start)
        run = SIGNS.match(sql, token.start)
        if run:
            end = run.end()
        text = run[0] if run else ""
        if found and len(text) == 1:
            text = " ".join(part for part in found.groups() if part)
        if text in REMEDIES:
            raise RefusedError(
                f"The operator {text} is not allowed{write_line(token.line)}: write"
                f" {REMEDIES[text]} for the comparison."
            )
        is_arrow = token.token_type == TokenType.FARROW
        if is_arrow and not _names_argument(tokens[max(position - 2, 0) : position]):
            raise RefusedError(
                f"The operator => is not allowed{write_line(token.line)}: write >= to"
                " compare; => stands behind the name of an argument alone."
            )


def _names_argument(before: Sequence[Token]) -> bool:
    """Return whether the two tokens before `=>` begin an argument by its name."""
    return len(before) == 2 and before[0].text in {"(", ","}
