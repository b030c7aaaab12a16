"""Rows that staff take away: the API's CSV, marked so that spreadsheets read UTF-8."""

from dataclasses import replace
from typing import Any

from django.http import HttpResponse

from levered_site.api.csv_files import clean_file_name
from levered_site.api.csv_renderer import CONTENT_TYPE, read_document
from levered_site.api.csv_sections import CsvSection
from levered_site.api.csv_tables import CsvTable

# Excel reads a file without it in the character set of the country. Programs ask the
# API, whose files have none.
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
ORGANIZATION_COLUMN = "organization_id"


def build_table(payload: Any, section: CsvSection) -> CsvTable:
    """Return the rows of an answer of the API."""
    return section.build_table(read_document(payload))


def add_organizations(table: CsvTable, ids: list[str]) -> CsvTable:
    """Return rows with the organization of each, which the API knows by its caller."""
    rows = [[id_, *row] for id_, row in zip(ids, table.rows, strict=True)]
    return replace(table, names=[ORGANIZATION_COLUMN, *table.names], rows=rows)


def build_download(table: CsvTable, *name_parts: str) -> HttpResponse:
    """Return a table as a file."""
    name = clean_file_name(*name_parts)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    content = BYTE_ORDER_MARK + table.write()
    return HttpResponse(content, CONTENT_TYPE, headers=headers)
