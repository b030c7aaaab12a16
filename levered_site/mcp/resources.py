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

from levered_site.api import answers
from levered_site.errors import NotFoundError
from levered_site.mcp import sizes
from levered_site.mcp.calls import Api, Json
from levered_site.mcp.tools import reading

CONCEPTS = "levered://concepts"
OPTIMIZATIONS = "levered://optimizations"
ONE = re.compile(rf"{OPTIMIZATIONS}/([0-9a-fA-F-]{{36}})")
PICTURE = re.compile(rf"{ONE.pattern}/variants/(\d{{1,3}})/screenshot")
ON_A_PAGE = 20
TEXT = Path(__file__).with_name("concepts.md").read_text()
TEMPLATES = ListResourceTemplatesResult(
    resource_templates=[
        ResourceTemplate(
            uri_template=f"{OPTIMIZATIONS}/{{id}}",
            name="optimization",
            title="One optimization",
            mime_type=answers.JSON,
        ),
        ResourceTemplate(
            uri_template=f"{OPTIMIZATIONS}/{{id}}/variants/{{number}}/screenshot",
            name="screenshot",
            title="What a variant looks like",
            mime_type="image/png",
        ),
    ]
)


def listed(api: Api, cursor: str | None) -> ListResourcesResult:
    """List the concepts and the organization's optimizations, a page at a time."""
    found = api.get("/optimizations", limit=ON_A_PAGE, cursor=cursor)
    own = [
        Resource(
            uri=f"{OPTIMIZATIONS}/{row['id']}",
            name=row["name"],
            description=f"{row['status']}, model {row['model_status']}",
            mime_type=answers.JSON,
        )
        for row in found["optimizations"]
    ]
    first = [] if cursor else [_fixed(CONCEPTS, "Levered in short", "text/markdown")]
    return ListResourcesResult(
        resources=[*first, *own], next_cursor=found["next_cursor"]
    )


def _fixed(uri: str, name: str, kind: str) -> Resource:
    return Resource(uri=uri, name=name, mime_type=kind)


def read(api: Api, uri: str) -> ReadResourceResult:
    """Read one. Raises RefusedError or NotFoundError."""
    if uri == CONCEPTS:
        return _text(uri, TEXT, "text/markdown")
    if uri == OPTIMIZATIONS:
        return _json(uri, _all(api))
    if found := PICTURE.fullmatch(uri):
        path = f"/optimizations/{found[1]}/variants/by-number/{found[2]}/screenshot"
        picture = bytes(getattr(api.raw("GET", path), "content", b""))
        blob = base64.b64encode(picture).decode()
        shown = BlobResourceContents(uri=uri, mime_type="image/png", blob=blob)
        return ReadResourceResult(contents=[shown])
    if found := ONE.fullmatch(uri):
        asked = reading.GetInput.model_validate_json(
            f'{{"optimization_id": "{found[1]}"}}'
        )
        return _json(uri, reading.get(api, asked))
    raise NotFoundError(
        f"There is no resource {uri[:200]!r}. There are {CONCEPTS}, {OPTIMIZATIONS} and "
        f"{OPTIMIZATIONS}/<id>."
    )


def _all(api: Api) -> Json:
    return sizes.listed(lambda rows: api.get("/optimizations", limit=rows), dict, 100)


def _json(uri: str, document: Json) -> ReadResourceResult:
    return _text(uri, sizes.text_of(document), answers.JSON)


def _text(uri: str, text: str, kind: str) -> ReadResourceResult:
    shown = TextResourceContents(uri=uri, mime_type=kind, text=text)
    return ReadResourceResult(contents=[shown])
