"""Views of the OpenAPI document and of Swagger UI. All assets come from this server."""

import asyncio
import functools
import threading
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from drf_spectacular.renderers import OpenApiYamlRenderer

from levered_site.api import openapi, rate_limits, requests
from levered_site.api.responses import json_view

OPENAPI_JSON_TYPE = "application/vnd.oai.openapi+json"
OPENAPI_YAML_TYPE = "application/vnd.oai.openapi"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
PAGE_HTML = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Levered API</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{style}">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{bundle}"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
START_SCRIPT = """SwaggerUIBundle({
  url: "schema?format=json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  validatorUrl: null,
});
"""


_rendering = threading.Lock()


@json_view("GET", "HEAD", query_parameters=("format",))
def get_schema(request: HttpRequest) -> HttpResponse:
    """Return the OpenAPI document: JSON, or YAML by `?format=yaml` or by Accept.

    It has a limit of its own: the page of the documentation loads it, and a caller who
    has used up the limit of the API looks there for the reason.
    """
    network = requests.get_client_network(request)
    rate_limits.count_request(request, "schema", settings.RATELIMIT_SERVE, network)
    format_name = requests.read_choice(request, "format", ("json", "yaml"))
    accepted = request.headers.get("Accept", "")
    if format_name == "yaml" or (format_name is None and _prefers_yaml(accepted)):
        return HttpResponse(
            render_yaml(), OPENAPI_YAML_TYPE, headers={"Vary": "Accept"}
        )
    content_type = (
        OPENAPI_JSON_TYPE if OPENAPI_JSON_TYPE in accepted else "application/json"
    )
    return HttpResponse(render_json(), content_type, headers={"Vary": "Accept"})


def _prefers_yaml(accepted: str) -> bool:
    return "yaml" in accepted or f"{OPENAPI_YAML_TYPE}," in f"{accepted},".replace(
        ";", ","
    )


async def prepare_document() -> None:
    """Render the OpenAPI document as JSON before the process serves.

    It takes half a second, in which those who ask first would hold all threads.
    """
    await asyncio.to_thread(render_json)


def render_json() -> bytes:
    """Return the OpenAPI document as JSON. Rendered once per process."""
    with _rendering:
        return _render_json()


@functools.cache
def _render_json() -> bytes:
    return orjson.dumps(openapi.build_document(), default=str)


def render_yaml() -> bytes:
    """Return the OpenAPI document as YAML. docs/openapi.yaml is this text.

    Rendered once per process.
    """
    with _rendering:
        return _render_yaml()


@functools.cache
def _render_yaml() -> bytes:
    renderer: Any = OpenApiYamlRenderer()  # drf-spectacular has no types
    text: bytes = renderer.render(openapi.build_document(), renderer_context={})
    return text


@json_view("GET", "HEAD", query_parameters=None)
def get_docs_page(request: HttpRequest) -> HttpResponse:
    """Return the Swagger UI page. Reading it takes nothing from the limit of the API."""
    rate_limits.mark_counted(request)
    folder = "drf_spectacular_sidecar/swagger-ui-dist"
    html = PAGE_HTML.format(
        icon=static(f"{folder}/favicon-32x32.png"),
        style=static(f"{folder}/swagger-ui.css"),
        bundle=static(f"{folder}/swagger-ui-bundle.js"),
    )
    return HttpResponse(
        html, headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    )


@json_view("GET", "HEAD", query_parameters=None)
def get_start_script(request: HttpRequest) -> HttpResponse:
    """Return the script that starts Swagger UI. The CSP forbids inline scripts."""
    rate_limits.mark_counted(request)
    return HttpResponse(START_SCRIPT, "text/javascript; charset=utf-8")
