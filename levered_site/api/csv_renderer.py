"""The renderer of rows as CSV, with what `meta` and health say in headers."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson
from django.http import HttpRequest, HttpResponse
from rest_framework.renderers import BaseRenderer

from levered_site.api import media_types, payloads, renderers, requests, responses
from levered_site.api.csv_files import build_file_name
from levered_site.api.csv_sections import CsvSection, Document
from levered_site.api.csv_tables import CsvTable

CONTENT_TYPE = f"{media_types.CSV}; charset=utf-8; header=present"
# Of a header's text, what may stand in it besides letters and digits.
PLAIN_CHARACTERS = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"
MAX_TEXT_LENGTH = 300
MAX_WARNINGS = 5


def read_document(data: Any) -> Document:
    """Return an answer as its JSON is read. Raises ValueError on a NaN or an infinity."""
    renderers.refuse_non_finite(data)
    body = payloads.list_fields(data) if payloads.is_payload(data) else data
    document: Document = orjson.loads(responses.to_json(body))
    return document


class CsvRenderer(BaseRenderer):
    """Render one of the sections that an answer's view declares."""

    media_type = media_types.CSV
    format = "csv"
    charset = "utf-8"
    render_style = "binary"

    def __init__(self, sections: Sequence[CsvSection]) -> None:
        self.sections = sections
        self.section = sections[0]

    def render(
        self,
        data: Any,
        _accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the rows; empty for None (304).

        The values are those of the JSON. Raises ValueError as the renderer of JSON does.
        """
        if data is None:
            return b""
        assert renderer_context is not None
        document = read_document(data)
        table = self.section.build_table(document)
        request = requests.get_django_request(renderer_context["request"])
        response: HttpResponse = renderer_context["response"]
        response["Content-Type"] = CONTENT_TYPE
        name = build_file_name(request, self._get_other_section())
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        for header, text in _list_headers(request, document, table):
            response[header] = text
        return table.write()

    def _get_other_section(self) -> str:
        """Return the name of the section, unless it is the one by default."""
        return "" if self.section is self.sections[0] else self.section.name


def _list_headers(
    request: HttpRequest, document: Document, table: CsvTable
) -> list[tuple[str, str]]:
    headers = []
    health = table.readings.get("health")
    if health is not None:
        codes = ",".join(table.readings["health_reasons"])
        reasons = f'; reasons="{codes}"' if codes else ""
        headers.append(("X-Health", f"{health}{reasons}"))
    if as_of := table.readings.get("as_of"):
        headers.append(("X-As-Of", as_of))
    if table.withheld is not None:
        headers.append(("X-Unavailable", _quote(table.withheld)))
    if warnings := document.get("warnings"):
        quoted = (_quote(text).replace(",", "%2C") for text in warnings[:MAX_WARNINGS])
        headers.append(("X-Warnings", ", ".join(quoted)))
    if document.get("truncated"):
        headers.append(("X-Truncated", "true"))
    if cursor := document.get("next_cursor"):
        headers.append(("Link", f'<{_build_next_path(request, cursor)}>; rel="next"'))
    return headers


def _quote(text: str) -> str:
    """Return a text for a header, percent-encoded where it must be."""
    return quote(text[:MAX_TEXT_LENGTH], safe=PLAIN_CHARACTERS)


def _build_next_path(request: HttpRequest, cursor: str) -> str:
    query = request.GET.copy()
    query["cursor"] = cursor
    return f"{quote(request.path)}?{query.urlencode()}"
