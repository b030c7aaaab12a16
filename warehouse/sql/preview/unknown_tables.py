"""What a failure says of an unknown table: where it is named, and which one was meant."""

import difflib
import re
from collections.abc import Iterable, Sequence

from warehouse.sql.shapes import CheckedQuery

IS_MISSING = re.compile(r"not exist|not found", re.IGNORECASE)


def find_unknown_table(missing: Iterable[str], message: str) -> str | None:
    """Return the table that a failure says is not there, of those that were not found."""
    if not IS_MISSING.search(message):
        return None
    for table in missing:
        name = re.escape(table.rsplit(".", 1)[-1])
        if re.search(rf"(?<!\w){name}(?!\w)", message):
            return table
    return None


def describe_table(
    query: CheckedQuery, table: str, names: Sequence[str], message: str
) -> str:
    """Return the warehouse's message, the line of the table, and the one meant.

    `names` are the tables that the query may read, each with its schema.
    """
    line = dict(query.table_lines).get(table)
    place = f" (line {line})" if line else ""
    sentences = [f"{message.rstrip('.')}. There is no table {table}{place}."]
    meant = suggest_table(table, names)
    if meant and "you mean" not in message.lower():
        sentences.append(f"Did you mean {meant}?")
    return " ".join(sentences)


def suggest_table(table: str, names: Iterable[str]) -> str | None:
    """Return the table of this name in another schema, or else of a name most alike."""
    by_name = {name.lower(): name for name in names}
    wanted = table.lower()
    last = wanted.rsplit(".", 1)[-1]
    for name, spelled in by_name.items():
        if name.rsplit(".", 1)[-1] == last:
            return spelled
    close = difflib.get_close_matches(wanted, by_name, n=1)
    return by_name[close[0]] if close else None
