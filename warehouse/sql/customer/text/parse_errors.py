"""Errors of texts that cannot be parsed: where parsing stopped, and what is likely missing."""

import re
from collections.abc import Mapping
from typing import Any

from sqlglot.errors import ParseError, SqlglotError

from warehouse.sql.customer.grammars.kept_arguments import WrongArgumentsError
from warehouse.sql.customer.messages import write_line
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.customer.text.tokens import read_tokens

OPENINGS = re.compile(r"['\"`]|/\*|\$\$")
MAX_OPENINGS = 4  # that are tried, the last one first
# What to do, by the beginning of what sqlglot says.
REMEDIES = {
    "Expecting )": "close the bracket before it, or add the comma or operator that is"
    " missing",
    "Expected ]": "close the bracket before it",
    "Expected END after CASE": "write END behind the CASE",
    "Expected AS after CAST": "write CAST(value AS type)",
    "Expected type": "name a type there that the warehouse has",
    "Expected TYPE": "name a type there that the warehouse has",
    "Expected table name": "name a table there",
    "Expected CTE to have alias": "write WITH name AS (SELECT …), and no comma behind"
    " the last one",
    "Failed to parse any statement following CTE": "write a SELECT behind the last WITH"
    " query, without a comma between them",
    "Expected DISTINCT or ALL": "write UNION ALL, or UNION DISTINCT",
    "Required keyword": "add the value that is missing beside an operator",
}
# What to do, by the dialect and what stands where parsing stopped.
NAME_QUOTES = 'write " around a name, or nothing'
COMMENT = "write -- before a comment"
REMEDIES_NEAR = {
    "postgres": {
        "`": NAME_QUOTES,
        "#": COMMENT,
        ":": "write value ->> 'key' for a part of JSON",
        "SEPARATOR": "write string_agg(text, '…' ORDER BY a), with your separator",
    },
    "snowflake": {
        "`": NAME_QUOTES,
        "#": COMMENT,
        "~": "write REGEXP_INSTR(text, 'pattern') > 0, which finds it anywhere in the text",
    },
    "bigquery": {
        ":": "write JSON_VALUE(value, '$.key') for a part of JSON",
        "~": "write REGEXP_CONTAINS(text, r'pattern')",
        "!": "write NOT, as in NOT REGEXP_CONTAINS(text, r'pattern')",
    },
}
# What to do, by the dialect and the word before the place where parsing stopped.
REMEDIES_BEHIND = {
    "postgres": {"MINUS": "write EXCEPT in place of MINUS"},
    "snowflake": {},
    "bigquery": {
        "EXCEPT": "write EXCEPT DISTINCT",
        "INTERSECT": "write INTERSECT DISTINCT",
        "MINUS": "write EXCEPT DISTINCT in place of MINUS",
        "UNION": "write UNION ALL, or UNION DISTINCT",
    },
}
DOUBLED_QUOTE = "write \\' for a ' inside of a text"
WITHOUT_E = "write the text without the E before it"
USUAL_REMEDY = (
    "look before it for a comma, operator or bracket that is missing or one too many, and"
    " write quotes around a name that is a word of SQL"
)


def build_parse_error(error: SqlglotError, sql: str, dialect: str) -> RefusedError:
    """Return the error that says where parsing a text stopped, and what to do.

    `dialect` is the warehouse's, as sqlglot names it.
    """
    if isinstance(error, WrongArgumentsError):
        return RefusedError(error.reason)
    positions = error.errors if isinstance(error, ParseError) else []
    if not positions or not positions[0].get("line"):
        return _build_open_text(sql, dialect)
    position = positions[0]
    description = str(position.get("description"))
    usual = next(
        (each for words, each in REMEDIES.items() if description.startswith(words)),
        USUAL_REMEDY,
    )
    remedy = _find_near_remedy(position, dialect) or usual
    return RefusedError(
        f"The query cannot be parsed at line {position['line']}, column"
        f" {position['col']}, near {position['highlight'][:80]!r}: {remedy}."
    )


def _find_near_remedy(position: Mapping[str, Any], dialect: str) -> str:
    """Return what to do by what stands at the place and before it; "" if unknown."""
    before, near = position["start_context"], position["highlight"]
    if re.search(r"\b[eE]$", before) and near.startswith("'"):
        return WITHOUT_E
    is_doubled = before.endswith("'") and near.startswith("'")
    if is_doubled and dialect == "bigquery":
        return DOUBLED_QUOTE
    words = before.split()[-1:]
    word = words[0].upper() if words and near.upper() in {"SELECT", "("} else ""
    behind = REMEDIES_BEHIND[dialect].get(word, "")
    return behind or REMEDIES_NEAR[dialect].get(near.upper(), "")


def _build_open_text(sql: str, dialect: str) -> RefusedError:
    """Return the error of a text whose last quote or comment has no end."""
    openings = list(OPENINGS.finditer(sql))[-MAX_OPENINGS:]
    for opening in reversed(openings):
        if _has_tokens(sql[: opening.start()], dialect):
            line = write_line(1 + sql.count("\n", 0, opening.start()))
            ending = opening[0].replace("/*", "*/")
            doubled = "; inside of a text, write it twice" if ending == "'" else ""
            return RefusedError(
                f"The query cannot be parsed: what {opening[0]} begins{line} has no end."
                f" Write {ending} behind it{doubled}."
            )
    return RefusedError(
        "The query cannot be parsed: check for an open quote or comment."
    )


def _has_tokens(sql: str, dialect: str) -> bool:
    try:
        read_tokens(sql, dialect)
    except SqlglotError:
        return False
    return True
