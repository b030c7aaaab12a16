"""Names as Snowflake stores them: folded to capitals, or exact if made in quotes."""

import re
from itertools import product

UNQUOTED_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
PART = re.compile(r'"(?:[^"]|"")+"|[^."]+')


def fold_name(name: str) -> str:
    """Return a name as Snowflake stores it: plain ones in capitals, quoted ones exact."""
    if _is_quoted(name):
        return name[1:-1].replace('""', '"')
    return name.upper() if UNQUOTED_NAME.fullmatch(name) else name


def list_spellings(
    table: str, schema: str, database: str = ""
) -> list[tuple[str, str]]:
    """Return the schemas and names that a table's name may mean, the likeliest first.

    The exact spelling comes before the one in capitals. Quotes may be left out, also
    where a name has dots, and so may the schema, which then is `schema`. The connected
    database may stand before it.
    """
    parts = PART.findall(table) or [table]
    spellings: list[tuple[str, str]] = []
    for position in range(1, len(parts)):
        spellings += product(_spell(parts[:position]), _spell(parts[position:]))
    spellings += [(schema, name) for name in _spell(parts)]
    if len(parts) > 2 and fold_name(database) in {parts[0], fold_name(parts[0])}:
        spellings += list_spellings(table[len(parts[0]) + 1 :], schema)
    return list(dict.fromkeys(spellings))


def _spell(parts: list[str]) -> list[str]:
    """Return the spellings of a name that holds these parts and the dots between."""
    if len(parts) > 1:
        return [".".join(part.strip('"') for part in parts)]
    (name,) = parts
    return [fold_name(name)] if _is_quoted(name) else [name, fold_name(name)]


def _is_quoted(name: str) -> bool:
    return len(name) > 2 and name[0] == name[-1] == '"'
