"""Operators that a dialect does not have, or whose meaning sqlglot would change.

sqlglot reads `a <=> b` as a comparison that knows NULL: to pgvector it is a distance.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from sqlglot.tokenizer_core import Token, TokenType

from warehouse.sql.customer.dialects import Dialect
from warehouse.sql.customer.messages import START_DATE, write_line
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.text.postgres_operators import PREFIX_WORDS, ends_operand

# Postgres takes as many of these together as it can for one operator.
CHARACTERS = re.compile(r"[-+*/<>=~!@#%^&|?]+")
COMMENTS = re.compile(r"--|/\*")
# Only an operator with one of these may end with a sign: `a=-1` is `a = -1`.
SIGNED = re.compile(r"[~!@#%^&|?]")
# Operators that the text which runs has as they were written, or as their own words (~~ as
# LIKE); the last five are refused elsewhere, where they are not allowed.
KEPT_OPERATORS = frozenset(
    {
        "+", "-", "*", "/", "%", "^", "=", "<", ">", "<=", ">=", "<>", "!=", "||", "&",
        "|", "#", "~", "<<", ">>", "->", "->>", "#>", "#>>", "#-", "@>", "<@", "&&", "?",
        "?|", "?&", "@?", "@@", "^@", "-|-", "&<", "&>", "|/", "||/", "~*", "!~", "!~*",
        "~~", "~~*", "!~~", "!~~*", "!", "!!", "==", "=>",
        "|>",
    }
)  # fmt: skip
USUAL_REMEDY = "compute it by functions, or in a view, and read its column"
SAME = "write a IS NOT DISTINCT FROM b"
REMEDIES = {
    "postgres": {
        "<=>": f"{SAME}; a distance of vectors can be computed in a view alone",
        "@": "write abs(a)",
        "@-": "write abs(-a)",
        "**": "write a ^ b",
        "//": "write div(a, b), or -- before a comment",
        "=~": "write a ~ 'pattern'",
        "^=": "write a <> b",
        "@@@": "write a @@ b",
        "<%": "write word_similarity(a, b) > 0.6",
        "%>": "write word_similarity(b, a) > 0.6",
    },
    "snowflake": {
        "<=>": SAME,
        "==": "write a = b",
        "**": "write POWER(a, b)",
        "^": "write POWER(a, b), or BITXOR(a, b) for bits",
        "|": "write BITOR(a, b)",
        "<<": "write BITSHIFTLEFT(a, n)",
        ">>": "write BITSHIFTRIGHT(a, n)",
        "->>": "write value:key::VARCHAR",
        "#>": "write value:key.key",
        "#>>": "write value:key.key::VARCHAR",
        "&&": "write ARRAYS_OVERLAP(a, b)",
        "~~": "write a LIKE 'pattern'",
        "<->": USUAL_REMEDY,
    },
    "bigquery": {
        "<=>": SAME,
        "==": "write a = b",
        "**": "write POW(a, b)",
        "//": "write DIV(a, b), or -- before a comment",
        "->>": "write JSON_VALUE(value, '$.key')",
        "#>": "write JSON_QUERY(value, '$.key.key')",
        "#>>": "write JSON_VALUE(value, '$.key.key')",
        "~~": "write a LIKE 'pattern'",
        "<->": USUAL_REMEDY,
    },
}
TEXTS = frozenset(
    {
        TokenType.STRING, TokenType.IDENTIFIER, TokenType.HEREDOC_STRING,
        TokenType.RAW_STRING, TokenType.BYTE_STRING,
    }
)  # fmt: skip


def refuse_operators(sql: str, tokens: Sequence[Token], rules: Dialect) -> None:
    """Raise RefusedError at an operator that would run as another one, or not at all."""
    if rules.name == "postgres":
        _refuse_unknown(sql, tokens)
    else:
        _refuse_foreign(tokens, REMEDIES[rules.name])
    if rules.name == "snowflake":
        _refuse_complement(tokens)


def _refuse_foreign(tokens: Sequence[Token], remedies: Mapping[str, str]) -> None:
    """Refuse an operator of another dialect; sqlglot reads `**` as two tokens."""
    for token, following in pairwise(tokens):
        is_adjacent = following.start == token.end + 1
        pair = f"{token.text}{following.text}" if is_adjacent else ""
        operator = pair if pair in remedies else token.text
        if operator in remedies and token.token_type not in TEXTS:
            raise _refuse(operator, token, remedies[operator])


def _refuse_complement(tokens: Sequence[Token]) -> None:
    for before, token in pairwise(tokens):
        if before.text == "!":  # the operator !~ has a refusal of its own
            continue
        is_value = ends_operand(before) and before.text.upper() not in PREFIX_WORDS
        if token.token_type == TokenType.TILDE and not is_value:
            raise _refuse("~", token, "write BITNOT(a)")


def _refuse_unknown(sql: str, tokens: Sequence[Token]) -> None:
    """Refuse what Postgres reads as one operator, unless it is kept as that one."""
    end = 0  # of the operator before
    for token in tokens:
        if token.token_type in TEXTS or token.start < end:
            continue
        operator = _read_operator(sql, token.start)
        end = token.start + len(operator)
        names_date = sql.startswith(START_DATE[1:], end)
        if names_date and len(operator) > 1 and operator.endswith("@"):
            raise RefusedError(
                f"The operator {operator} stands before start_date"
                f"{write_line(token.line)}: write a space before {START_DATE}."
            )
        is_parameter = operator == "@" and _begins_word(sql, end, "_{")
        if operator and operator not in KEPT_OPERATORS and not is_parameter:
            raise _refuse(operator, token, _advise(operator))


def _advise(operator: str) -> str:
    """Return what to write instead of an operator that Postgres has, or may have."""
    remedy = REMEDIES["postgres"].get(operator)
    if not remedy and operator[:-1] in KEPT_OPERATORS and operator[-1] in "+-":
        remedy = f"write a space before its last sign, {operator[-1]}"
    return remedy or USUAL_REMEDY


def _read_operator(sql: str, start: int) -> str:
    """Return the operator that begins at a position of a Postgres text, or nothing.

    Without a parameter (`>=@start_date`, `=?`, `=%(name)s`) that it touches.
    """
    found = CHARACTERS.match(sql, start)
    operator = COMMENTS.split(found[0])[0] if found else ""
    rest = operator[:-1]
    is_touching = operator[-1:] in {"@", "%"} and _begins_word(
        sql, start + len(operator)
    )
    if operator not in KEPT_OPERATORS and (is_touching or operator[-1:] == "?"):
        operator = rest or operator
    while len(operator) > 1 and operator[-1] in "+-" and not SIGNED.search(operator):
        operator = operator[:-1]
    return operator


def _begins_word(sql: str, position: int, others: str = "_{(") -> bool:
    character = sql[position : position + 1]
    return character.isalpha() or character in set(others)


def _refuse(operator: str, token: Token, remedy: str) -> RefusedError:
    return RefusedError(
        f"The operator {operator} is not allowed{write_line(token.line)}: {remedy}."
    )
