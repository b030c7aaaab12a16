"""CSV as a customer's program reads it, compared with the JSON of the same answer."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.http import HttpResponse

from levered_site.api.csv_sections import CsvSection, QueryRowsSection, RowSection

Row = Mapping[str, Any]
# One apostrophe too many, wherever a formula could begin.
SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
NEUTRALIZED = re.compile(
    rf"(\A)'(?=[ ']*[{SIGNS}\t\r\n])|([;\t\r\n])'(?=[ ']*[{SIGNS}])"
)
ABSENT = object()
REASONS = "unavailable"
# Fields of an answer of one row that say something of all its figures.
OF_THE_ANSWER = frozenset({"health", "as_of", "notes", "meta"})


def read_csv(response: HttpResponse) -> tuple[list[str], list[dict[str, str]]]:
    """Return the header and the rows of an answer, which is well-formed CSV."""
    assert response.status_code == 200, response.content
    assert response["Content-Type"].startswith("text/csv; charset=utf-8")
    text = response.content.decode()
    assert not text.startswith("\ufeff")
    assert text.endswith("\r\n")
    header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert all(len(line) == len(header) for line in lines)
    assert len(set(header)) == len(header)
    return header, [dict(zip(header, line, strict=True)) for line in lines]


def restore(text: str) -> str:
    """Return the text of a cell without the apostrophes against formulas."""
    return NEUTRALIZED.sub(r"\1\2", text)


def list_rows(section: CsvSection, document: Row) -> Sequence[Row]:
    """Return the rows of a section as they stand in JSON."""
    if isinstance(section, QueryRowsSection):
        return [
            dict(zip(document["columns"], row, strict=True)) for row in document["rows"]
        ]
    assert isinstance(section, RowSection)
    part = _walk(document, section.reading) if section.reading else document
    if section.build is not None:
        return section.build(part)
    path = section.name if section.path is None else section.path
    if not path:
        return [{name: part[name] for name in part if name not in OF_THE_ANSWER}]
    value = _walk(part, path) or []
    entries = [value] if isinstance(value, Mapping) else value
    if section.inner is None:
        return list(entries)
    field, key = section.inner.field, section.inner.key
    return [
        {**entry, field: {key: inner, **entry[field][inner]} if key else inner}
        for entry in entries
        for inner in entry[field]
    ]


def assert_same_rows(response: HttpResponse, expected: Sequence[Row]) -> list[str]:
    """Assert that a CSV answer has the rows of JSON, and nothing else; return its header."""
    header, rows = read_csv(response)
    assert len(rows) == len(expected)
    for row, document in zip(rows, expected, strict=True):
        for name, cell in row.items():
            if name == REASONS and REASONS not in document:
                _assert_withheld(row, cell)
            elif not name.startswith("reading."):
                assert_same_value(cell, find_value(document, name), name)
        lacking = [path for path in list_leaves(document) if not _is_in(path, header)]
        assert lacking == []
    return header


def _assert_withheld(row: Mapping[str, str], cell: str) -> None:
    """Assert that what the reasons of an answer name is empty in the row."""
    for name in read_reasons(restore(cell)):
        own = {name, f"{name}_lo", f"{name}_hi"}
        columns = [each for each in row if each in own]
        columns += [each for each in row if each.startswith(f"{name}.")]
        assert {row[each] for each in columns} == {""}, name


def find_value(document: Row, name: str) -> Any:
    """Return what stands in JSON where a column's name says; None if nothing does."""
    value = _walk(document, name)
    if value is not ABSENT:
        return value
    pair = (
        _walk(document, name[: -len("_lo")]) if name.endswith(("_lo", "_hi")) else None
    )
    return pair[name.endswith("_hi")] if isinstance(pair, list) else None


def _walk(document: Row, name: str) -> Any:
    value: Any = document
    for step in name.split("."):
        if value is None:
            return None
        if not isinstance(value, Mapping) or step not in value:
            return ABSENT
        value = value[step]
    return value


def assert_same_value(cell: str, value: Any, name: str) -> None:
    """Assert that a cell says what the JSON has."""
    read: Any
    if value is None:
        read = None if cell == "" else cell
    elif isinstance(value, bool):
        read = {"true": True, "false": False}[cell]
    elif isinstance(value, (int, float)):
        read = json.loads(cell)
    elif isinstance(value, str):
        read = restore(cell)
    elif name.rpartition(".")[2] == REASONS:
        read = read_reasons(restore(cell))
        value = {
            key.replace("[0]", "_lo").replace("[1]", "_hi"): value[key] for key in value
        }
    elif is_plain_list(value):
        # One that is empty looks like one that holds nothing but nothing.
        value = [write_plain(each) for each in value]
        read = split_list(restore(cell)) or (value if value == [""] else [])
    else:
        read = json.loads(restore(cell)) if cell else type(value)()
    assert read == value, name


def is_plain_list(value: object) -> bool:
    """Return whether a value is a list that holds no other values."""
    return isinstance(value, list) and not any(
        isinstance(each, (list, dict)) for each in value
    )


def write_plain(value: object) -> str:
    """Return a value of a list as its cell has it."""
    return (
        value if isinstance(value, str) else "" if value is None else json.dumps(value)
    )


def split_list(text: str) -> list[str]:
    """Split a list at semicolons that no backslash escapes."""
    if not text:
        return []
    items = re.findall(r"((?:[^;\\]|\\.)*);", f"{text};", re.DOTALL)
    return [re.sub(r"\\(.)", r"\1", item, flags=re.DOTALL) for item in items]


def read_reasons(text: str) -> dict[str, str]:
    """Return why figures are withheld, by the names of their columns."""
    reasons: dict[str, str] = {}
    for item in split_list(text):
        names, _, reason = item.partition(": ")
        reasons |= dict.fromkeys(names.split(", "), reason)
    return reasons


def list_leaves(value: Any, path: str = "") -> Iterator[str]:
    """Yield the dotted names of the values of a JSON object."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from list_leaves(inner, f"{path}.{name}" if path else name)
    else:
        yield path


def _is_in(path: str, header: Sequence[str]) -> bool:
    """Return whether columns have a value: its own, those of its ends, or a parent's."""
    steps = path.split(".")
    parents = {".".join(steps[: end + 1]) for end in range(len(steps))}
    if parents & set(header) or f"{path}_lo" in header:
        return True
    # An object that is null or empty has the columns of its fields.
    return any(name.startswith(f"{path}.") for name in header) or _is_empty_levels(path)


def _is_empty_levels(path: str) -> bool:
    return path.rpartition(".")[2] in {"context", "levels", "variant"}
