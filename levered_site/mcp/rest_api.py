"""Client of the REST API inside the process: calls its views as the MCP caller."""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode

import orjson
from django.core.handlers.wsgi import WSGIRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.urls import resolve

from levered_site.api import rate_limits, responses
from levered_site.api.middleware import EnvelopeMiddleware
from levered_site.errors import NotFoundError
from levered_site.organizations.actors import Caller

API_PREFIX = "/api/v2"
# What the inner request takes over from the MCP request: the caller and their address.
FORWARDED_META = (
    *("HTTP_AUTHORIZATION", "HTTP_X_FORWARDED_FOR", "HTTP_HOST", "REMOTE_ADDR"),
    *("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "wsgi.url_scheme"),
)

Json = dict[str, Any]


class RefusedError(Exception):
    """The API answered with an error; `error` is the object of the error format."""

    def __init__(self, status: int, error: Json) -> None:
        super().__init__(str(error.get("message", "")))
        self.status = status
        self.error = error


@dataclass(frozen=True, slots=True)
class Api:
    """The REST API for the caller of one MCP request.

    The MCP request was counted against the API's rate limit. Inner requests are not
    counted again, except for serving, which has a limit of its own.
    """

    request: HttpRequest
    caller: Caller

    def get(self, path: str, **query: object) -> Json:
        """GET a path; parameters that are None are left out. Raises RefusedError."""
        parameters = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in query.items()
            if value is not None
        }
        url = f"{path}?{urlencode(parameters)}" if parameters else path
        return self.send("GET", url)

    def post(self, path: str, body: object = None, **headers: str | None) -> Json:
        """POST a body; headers as keywords, None leaves one out. Raises RefusedError."""
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: object) -> Json:
        """PATCH a path. Raises RefusedError."""
        return self.send("PATCH", path, body)

    def delete(self, path: str) -> Json:
        """DELETE a path. Raises RefusedError."""
        return self.send("DELETE", path)

    def send(
        self, method: str, path: str, body: object = None, **headers: str | None
    ) -> Json:
        """Return the JSON response without its `meta`. Raises RefusedError."""
        raw = b"" if body is None else json.dumps(body).encode()
        response = self.send_raw(method, path, raw, headers=headers)
        content = bytes(getattr(response, "content", b""))
        document: Json = orjson.loads(content) if content else {}
        document.pop("meta", None)
        return document

    def send_raw(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        content_type: str = responses.JSON_CONTENT_TYPE,
        headers: Mapping[str, str | None] = MappingProxyType({}),
    ) -> HttpResponseBase:
        """Send raw bytes and return the response unparsed. Raises RefusedError."""
        inner = self._build_request(method, path, body, content_type, headers)
        response = _call_view(inner)
        if response.status_code >= 400:
            document = orjson.loads(bytes(getattr(response, "content", b"{}")))
            raise RefusedError(response.status_code, document["error"])
        return response

    @contextmanager
    def rollback_transaction(self) -> Iterator[None]:
        """Run the block in a transaction and roll it back: nothing is committed or published."""
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    def _build_request(
        self,
        method: str,
        path: str,
        body: bytes,
        content_type: str,
        headers: Mapping[str, str | None],
    ) -> WSGIRequest:
        path, _, query = path.partition("?")
        meta = self.request.META
        environ = {name: meta[name] for name in FORWARDED_META if name in meta}
        environ |= {
            "REQUEST_METHOD": method,
            "PATH_INFO": unquote_to_bytes(API_PREFIX + path).decode("latin-1"),
            "QUERY_STRING": query,
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        for name, value in headers.items():
            if value is not None:
                environ[f"HTTP_{name.upper()}"] = value
        inner = WSGIRequest(environ)
        rate_limits.mark_counted(inner)
        return inner


def quote_segment(text: object) -> str:
    """Return a value quoted as one segment of a path."""
    return quote(str(text), safe="")


def _call_view(inner: WSGIRequest) -> HttpResponseBase:
    match = resolve(inner.path_info)
    inner.resolver_match = match
    too_large = _envelope_middleware.process_view(
        inner, match.func, match.args, match.kwargs
    )
    if too_large is not None:
        return too_large
    try:
        response: HttpResponseBase = match.func(inner, *match.args, **match.kwargs)
    except Exception as error:  # noqa: BLE001 - as Django does around every view
        error_response = _envelope_middleware.process_exception(inner, error)
        assert error_response is not None, "only HTML pages keep Django's own errors"
        return error_response
    render = getattr(response, "render", None)
    return render() if render else response


def _refuse_request(_request: HttpRequest) -> HttpResponseBase:
    raise NotFoundError("the middleware never passes a request on here")


# Only the outermost middleware turns what a view raises into the API's error format, so
# its `process_view` and `process_exception` are called here as Django calls them.
_envelope_middleware = EnvelopeMiddleware(_refuse_request)
