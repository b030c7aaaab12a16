"""Check published statements: `python -m benchmarks.acceptance --dialect bigquery FOLDER`.

Reads the .sql files and the ```sql blocks of Markdown below each folder. Counted are single
read statements. Scripts, writes, templates, parameters of other programs, and text that the
warehouse cannot run either are not, and are listed. The last is known for BigQuery only: what
its own parser cannot read, and calls of functions of other dialects that it has not.
"""

import argparse
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.acceptance.own_parsers import get_parser
from benchmarks.acceptance.statements import Statement, find_statements
from warehouse.sql import RefusedError
from warehouse.sql.customer import check, dialects

SCHEMA = "app"  # of the connection, for tables without one
PARAMETER, UNREADABLE = "a parameter of another program", "broken text"
FOREIGN_PARAMETER = re.compile(r"The (parameter|template|text) ")
FOREIGN = "a function that the warehouse has not"
FOREIGN_FUNCTION = re.compile(r"The function (\w+) is not allowed")
FRAGMENT = "A value alone is no query"
# What differs between two refusals of one kind.
PARTICULARS = (
    (re.compile(r" \(line \d+\)| at line \d+, column \d+"), ""),
    (re.compile(r", near .*", re.DOTALL), "."),
    (re.compile(r"(?<=The table )\S+|(?<=The name )\S+"), "…"),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check said of a statement: `refusal` is None if it accepted it."""

    statement: Statement
    refusal: str | None = None


def main() -> None:
    """Print what is accepted in each folder, and the refusals by their message."""
    options = _parse_options()
    for folder in options.folders:
        statements = find_statements(folder, options.dialect)
        verdicts = [judge_statement(each, options.dialect) for each in statements]
        print_verdicts(folder, verdicts, is_listing=options.list)


def judge_statement(statement: Statement, dialect: str) -> Verdict:
    """Check a statement; one that does not count is not checked."""
    if statement.excluded:
        return Verdict(statement)
    is_readable = get_parser(dialect)
    if is_readable and not is_readable(statement.text):
        return Verdict(replace(statement, excluded=UNREADABLE))
    try:
        check.check_query(statement.text, dialect, managed=False, schema=SCHEMA)
    except RefusedError as refusal:
        reason = _find_exclusion(refusal.reason, dialect)
        if reason:
            return Verdict(replace(statement, excluded=reason))
        return Verdict(statement, refusal.reason)
    return Verdict(statement)


def _find_exclusion(refusal: str, dialect: str) -> str | None:
    """Return why a refused statement does not count, or None if it does."""
    if FOREIGN_PARAMETER.match(refusal):
        return PARAMETER
    if refusal.startswith(FRAGMENT):
        return UNREADABLE
    if dialect == "bigquery" and _names_foreign_function(refusal):
        return FOREIGN
    return None


def _names_foreign_function(reason: str) -> bool:
    """Return whether a refusal is of a function that another dialect has, not BigQuery."""
    called = FOREIGN_FUNCTION.match(reason)
    return called is not None and called[1].lower() in dialects.BIGQUERY.forms


def print_verdicts(folder: Path, verdicts: list[Verdict], *, is_listing: bool) -> None:
    """Print the numbers of a folder; with `is_listing` each refused statement's place."""
    counted = [verdict for verdict in verdicts if not verdict.statement.excluded]
    refused = [verdict for verdict in counted if verdict.refusal]
    accepted = len(counted) - len(refused)
    share = f" ({accepted / len(counted):.1%})" if counted else ""
    print(f"{folder.name}: {len(counted)} counted, {accepted} accepted{share}")
    reasons = Counter(
        verdict.statement.excluded for verdict in verdicts if verdict.statement.excluded
    )
    for reason, count in reasons.most_common():
        print(f"  not counted: {count}, {reason}")
    groups = Counter(_generalize(verdict.refusal or "") for verdict in refused)
    for message, count in groups.most_common():
        print(f"  refused: {count} times: {message}")
    if is_listing:
        for verdict in refused:
            place = f"{verdict.statement.path}:{verdict.statement.line}"
            print(f"    {place} {verdict.refusal}")


def _generalize(message: str) -> str:
    for pattern, replacement in PARTICULARS:
        message = pattern.sub(replacement, message)
    return message


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--dialect", required=True, choices=sorted(dialects.DIALECTS))
    parser.add_argument(
        "--list", action="store_true", help="name each refused statement"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
