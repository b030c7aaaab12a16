"""Errors of texts that cannot be parsed: where parsing stopped, and what is likely missing."""

import re

from sqlglot.errors import ParseError, SqlglotError

from warehouse.sql.customer.kept_arguments import WrongArgumentsError
from warehouse.sql.customer.messages import write_line
from warehouse.sql.customer.refusal import RefusedError

OPEN_TEXT = re.compile(r"Missing (.+) from \d+:(\d+)", re.DOTALL)
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
USUAL_REMEDY = (
    "look before it for a comma, operator or bracket that is missing or one too many, and"
    " write quotes around a name that is a word of SQL"
)


def build_parse_error(error: SqlglotError, sql: str) -> RefusedError:
    """Return the error that says where parsing a text stopped, and what to do."""
    if isinstance(error, WrongArgumentsError):
        return RefusedError(error.reason)
    positions = error.errors if isinstance(error, ParseError) else []
    if not positions or not positions[0].get("line"):
        return _build_open_text(error, sql)
    position = positions[0]
    description = str(position.get("description"))
    remedy = next(
        (each for words, each in REMEDIES.items() if description.startswith(words)),
        USUAL_REMEDY,
    )
    return RefusedError(
        f"The query cannot be parsed at line {position['line']}, column"
        f" {position['col']}, near {position['highlight'][:80]!r}: {remedy}."
    )


def _build_open_text(error: SqlglotError, sql: str) -> RefusedError:
    """Return the error of a text whose last quote or comment has no end."""
    found = OPEN_TEXT.search(f"{error} {error.__cause__}")
    if not found:
        return RefusedError(
            "The query cannot be parsed: check for an open quote or comment."
        )
    line = write_line(1 + sql.count("\n", 0, int(found[2])))
    doubled = "; inside of it, write it twice" if len(found[1]) == 1 else ""
    return RefusedError(
        f"The query cannot be parsed: {found[1]} is missing behind what it would end"
        f"{line}. Add it{doubled}."
    )
