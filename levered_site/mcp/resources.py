"""Resources: the concepts in short, and the organization's optimizations."""

import base64
import re
from pathlib import Path

from mcp.types import (
    BlobResourceContents,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
    TextResourceContents,
)

from levered_site.api import responses
from levered_site.errors import NotFoundError
from levered_site.mcp import response_size
from levered_site.mcp.rest_api import Api, Json
from levered_site.mcp.tools import optimization_details

CONCEPTS_URI = "levered://concepts"
OPTIMIZATIONS_URI = "levered://optimizations"
OPTIMIZATION_URI_PATTERN = re.compile(rf"{OPTIMIZATIONS_URI}/([0-9a-fA-F-]{{36}})")
SCREENSHOT_URI_PATTERN = re.compile(
    rf"{OPTIMIZATION_URI_PATTERN.pattern}/variants/(\d{{1,3}})/screenshot"
)
PAGE_SIZE = 20
CONCEPTS_TEXT = Path(__file__).with_name("concepts.md").read_text()
RESOURCE_TEMPLATES = ListResourceTemplatesResult(
    resource_templates=[
        ResourceTemplate(
            uri_template=f"{OPTIMIZATIONS_URI}/{{id}}",
            name="optimization",
            title="One optimization",
            mime_type=responses.JSON_CONTENT_TYPE,
        ),
        ResourceTemplate(
            uri_template=f"{OPTIMIZATIONS_URI}/{{id}}/variants/{{number}}/screenshot",
            name="screenshot",
            title="What a variant looks like",
            mime_type="image/png",
        ),
    ]
)


def list_resources(api: Api, cursor: str | None) -> ListResourcesResult:
    """List the concepts and the organization's optimizations, a page at a time."""
    found = api.get("/optimizations", limit=PAGE_SIZE, cursor=cursor)
    own = [
        Resource(
            uri=f"{OPTIMIZATIONS_URI}/{row['id']}",
            name=row["name"],
            description=f"{row['status']}, model {row['model_status']}",
            mime_type=responses.JSON_CONTENT_TYPE,
        )
        for row in found["optimizations"]
    ]
    first = (
        []
        if cursor
        else [_build_resource(CONCEPTS_URI, "Levered in short", "text/markdown")]
    )
    return ListResourcesResult(
        resources=[*first, *own], next_cursor=found["next_cursor"]
    )


def _build_resource(uri: str, name: str, kind: str) -> Resource:
    return Resource(uri=uri, name=name, mime_type=kind)


def read_resource(api: Api, uri: str) -> ReadResourceResult:
    """Read one. Raises RefusedError or NotFoundError."""
    if uri == CONCEPTS_URI:
        return _build_text_result(uri, CONCEPTS_TEXT, "text/markdown")
    if uri == OPTIMIZATIONS_URI:
        return _build_json_result(uri, _list_optimizations(api))
    if found := SCREENSHOT_URI_PATTERN.fullmatch(uri):
        path = f"/optimizations/{found[1]}/variants/by-number/{found[2]}/screenshot"
        picture = bytes(getattr(api.send_raw("GET", path), "content", b""))
        blob = base64.b64encode(picture).decode()
        shown = BlobResourceContents(uri=uri, mime_type="image/png", blob=blob)
        return ReadResourceResult(contents=[shown])
    if found := OPTIMIZATION_URI_PATTERN.fullmatch(uri):
        asked = optimization_details.GetInput.model_validate_json(
            f'{{"optimization_id": "{found[1]}"}}'
        )
        return _build_json_result(
            uri, optimization_details.get_optimization(api, asked)
        )
    raise NotFoundError(
        f"There is no resource {uri[:200]!r}. There are {CONCEPTS_URI}, {OPTIMIZATIONS_URI} and "
        f"{OPTIMIZATIONS_URI}/<id>."
    )


def _list_optimizations(api: Api) -> Json:
    return response_size.fetch_fitting_page(
        lambda rows: api.get("/optimizations", limit=rows), dict, 100
    )


def _build_json_result(uri: str, document: Json) -> ReadResourceResult:
    return _build_text_result(
        uri, response_size.serialize_document(document), responses.JSON_CONTENT_TYPE
    )


def _build_text_result(uri: str, text: str, kind: str) -> ReadResourceResult:
    shown = TextResourceContents(uri=uri, mime_type=kind, text=text)
    return ReadResourceResult(contents=[shown])
