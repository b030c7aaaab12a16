"""Who may read the answer to a request from a page of another origin, and its headers."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.cache import patch_vary_headers

from levered_site.api import cors

# `all`: every answer. `refusals`: errors, without credentials. `unknown`: nothing is at
# the path, so its errors are readable. `configured`: CORS_ALLOWED_ORIGINS only.
Readable: TypeAlias = Literal["all", "refusals", "unknown", "configured"]


def find_readable(request: HttpRequest) -> Readable:
    """Return what pages of any origin may read of the answers to a request."""
    endpoint = getattr(request, "endpoint", None)
    if endpoint is None:  # refused before a view was found, or there is none
        if cors.is_public_path(request.path_info):
            return "all"
        endpoint = _find_endpoint(request.path_info)
    if endpoint is None:
        return "unknown"
    if cors.is_public_endpoint(endpoint):
        return "all"
    return "refusals" if cors.has_readable_refusals(endpoint) else "configured"


def _find_endpoint(path: str) -> Callable[..., Any] | None:
    try:
        return resolve(path).func
    except Resolver404:
        return None


def is_open_preflight(request: HttpRequest) -> bool:
    """Return whether this is a preflight that any origin passes.

    That of an unknown path passes too, so that the page can read the 404.
    """
    return request.method == "OPTIONS" and find_readable(request) != "configured"


def build_preflight_response(request: HttpRequest) -> HttpResponse:
    """Return the answer to a preflight of a request that any page may send."""
    headers = cors.build_preflight_headers(
        request.META.get("HTTP_ORIGIN"),
        request.headers.get("Access-Control-Request-Headers"),
        is_private_network=request.headers.get("Access-Control-Request-Private-Network")
        == "true",
    )
    response = HttpResponse(status=204, headers=dict(headers))
    if find_readable(request) == "refusals":
        del response["Access-Control-Allow-Credentials"]
    return response


def add_cors_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    """Add the headers to a response that pages of any origin may read.

    An answer that is no error is readable at public endpoints only.
    """
    readable = find_readable(request)
    is_refusal = response.status_code >= 400
    is_preflight = request.method == "OPTIONS" and response.status_code == 204
    if readable == "configured" or not (
        readable == "all" or is_refusal or is_preflight
    ):
        return
    if readable == "refusals" and response.has_header("Access-Control-Allow-Origin"):
        return  # a configured origin, which may read everything
    for name, value in cors.build_public_cors_headers(request.META.get("HTTP_ORIGIN")):
        if name == "Vary":
            patch_vary_headers(response, [value])
        elif name != "Access-Control-Allow-Credentials" or readable != "refusals":
            response[name] = value
