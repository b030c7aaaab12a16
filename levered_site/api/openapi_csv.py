"""CSV in the OpenAPI document: an extension of answers that have rows.

As a second `content` it would make each answer of generated TypeScript clients a union
of its type and a text, so that no field could be read without a cast.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from levered_site.api import media_types
from levered_site.api.csv_sections import CsvSection

CSV_MARK = "x-csv-sections"
EXTENSION = "x-csv"
EXAMPLE_ROWS = 2
HEADERS: dict[str, dict[str, Any]] = {
    "Content-Disposition": {
        "description": "Of CSV: the name of the file.",
        "schema": {"type": "string"},
    },
    "Link": {
        "description": 'Of CSV: the path of the next page, as `rel="next"`; absent on the '
        "last one.",
        "schema": {"type": "string"},
    },
    "X-As-Of": {
        "description": "Of CSV: when the warehouse last counted the figures.",
        "schema": {"type": "string", "format": "date-time"},
    },
    "X-Health": {
        "description": "Of CSV: the status of the health, and the codes of its reasons, as "
        '`broken; reasons="sample_ratio"`.',
        "schema": {"type": "string"},
    },
    "X-Truncated": {
        "description": "Of CSV: `true` where there are more rows than the answer has.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "X-Warnings": {
        "description": "Of CSV: what looks wrong with a query, percent-encoded texts with "
        "commas between them.",
        "schema": {"type": "string"},
    },
    "X-Unavailable": {
        "description": "Of CSV: why rows are left out. Characters beyond ASCII are "
        "percent-encoded.",
        "schema": {"type": "string"},
    },
}


def add_csv(operation: dict[str, Any], sections: Sequence[CsvSection]) -> None:
    """Add CSV to the answer of an operation, with its columns, and `section`."""
    if not sections:
        return
    if len(sections) > 1:
        operation["parameters"].append(_describe_section_parameter(sections))
    response = operation["responses"]["200"]
    columns = {section.name: section.list_names() for section in sections}
    described: dict[str, Any] = {"media_type": media_types.CSV, "columns": columns}
    example = response["content"][media_types.JSON].get("example")
    if example is not None:
        table = sections[0].build_table(example)
        shown = replace(table, rows=table.rows[:EXAMPLE_ROWS])
        described["example"] = shown.write().decode()
    response[EXTENSION] = described
    references = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
    response["headers"] = response["headers"] | references


def _describe_section_parameter(sections: Sequence[CsvSection]) -> dict[str, Any]:
    names = [section.name for section in sections]
    return {
        "name": "section",
        "in": "query",
        # Not as a default: generated clients would send it for JSON, too.
        "schema": {"type": "string", "enum": names},
        "description": f"Which rows, with `Accept: text/csv`; {names[0]} if not told. JSON "
        "has all of them, and a request for it is refused with this parameter.",
    }
