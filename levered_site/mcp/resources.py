"""MCP resources: the concepts page, and the organization's optimizations."""

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
    """Return one page of optimizations; the first page starts with the concepts."""
    page = api.get("/optimizations", limit=PAGE_SIZE, cursor=cursor)
    optimizations = [
        Resource(
            uri=f"{OPTIMIZATIONS_URI}/{row['id']}",
            name=row["name"],
            description=f"{row['status']}, model {row['model_status']}",
            mime_type=responses.JSON_CONTENT_TYPE,
        )
        for row in page["optimizations"]
    ]
    concepts = Resource(
        uri=CONCEPTS_URI, name="Levered in short", mime_type="text/markdown"
    )
    return ListResourcesResult(
        resources=optimizations if cursor else [concepts, *optimizations],
        next_cursor=page["next_cursor"],
    )


def read_resource(api: Api, uri: str) -> ReadResourceResult:
    """Return the resource at a URI. Raises RefusedError or NotFoundError."""
    if uri == CONCEPTS_URI:
        return _build_text_result(uri, CONCEPTS_TEXT, "text/markdown")
    if uri == OPTIMIZATIONS_URI:
        return _build_json_result(uri, _list_optimizations(api))
    if match := SCREENSHOT_URI_PATTERN.fullmatch(uri):
        path = f"/optimizations/{match[1]}/variants/by-number/{match[2]}/screenshot"
        image = bytes(getattr(api.send_raw("GET", path), "content", b""))
        blob = base64.b64encode(image).decode()
        contents = BlobResourceContents(uri=uri, mime_type="image/png", blob=blob)
        return ReadResourceResult(contents=[contents])
    if match := OPTIMIZATION_URI_PATTERN.fullmatch(uri):
        arguments = optimization_details.GetInput.model_validate_json(
            f'{{"optimization_id": "{match[1]}"}}'
        )
        return _build_json_result(
            uri, optimization_details.get_optimization(api, arguments)
        )
    raise NotFoundError(
        f"There is no resource {uri[:200]!r}. Resources: {CONCEPTS_URI}, "
        f"{OPTIMIZATIONS_URI} and {OPTIMIZATIONS_URI}/<id>."
    )


def _list_optimizations(api: Api) -> Json:
    return response_size.fetch_fitting_page(
        lambda limit: api.get("/optimizations", limit=limit), dict, 100, "optimizations"
    )


def _build_json_result(uri: str, document: Json) -> ReadResourceResult:
    return _build_text_result(
        uri, response_size.serialize_document(document), responses.JSON_CONTENT_TYPE
    )


def _build_text_result(uri: str, text: str, mime_type: str) -> ReadResourceResult:
    contents = TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return ReadResourceResult(contents=[contents])
