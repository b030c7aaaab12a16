"""Asking the REST API from inside: the same views, as the caller of an MCP request."""

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
# All that an inner request has of the outer one: who asks, and from where.
FORWARDED_META = (
    *("HTTP_AUTHORIZATION", "HTTP_X_FORWARDED_FOR", "HTTP_HOST", "REMOTE_ADDR"),
    *("SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "wsgi.url_scheme"),
)

Json = dict[str, Any]


class RefusedError(Exception):
    """The API refused: `error` in the contract's words."""

    def __init__(self, status: int, error: Json) -> None:
        super().__init__(str(error.get("message", "")))
        self.status = status
        self.error = error


@dataclass(frozen=True, slots=True)
class Api:
    """The REST API, for the caller of one MCP request.

    The MCP request was counted against the limits of the API; what it asks inside is not
    counted again, but for serving, which has a limit of its own.
    """

    request: HttpRequest
    caller: Caller

    def get(self, path: str, **query: object) -> Json:
        """Read; `query` without what is None. Raises RefusedError."""
        given = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in query.items()
            if value is not None
        }
        return self.send("GET", f"{path}?{urlencode(given)}" if given else path)

    def post(self, path: str, body: object = None, **headers: str | None) -> Json:
        """Create or do; headers as keywords, None for none. Raises RefusedError."""
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: object) -> Json:
        """Change. Raises RefusedError."""
        return self.send("PATCH", path, body)

    def delete(self, path: str) -> Json:
        """Delete. Raises RefusedError."""
        return self.send("DELETE", path)

    def send(
        self, method: str, path: str, body: object = None, **headers: str | None
    ) -> Json:
        """Ask and read the JSON that comes back, without `meta`. Raises RefusedError."""
        raw = b"" if body is None else json.dumps(body).encode()
        response = self.send_raw(method, path, raw, headers=headers)
        content = bytes(getattr(response, "content", b""))
        found: Json = orjson.loads(content) if content else {}
        found.pop("meta", None)
        return found

    def send_raw(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        content_type: str = responses.JSON_CONTENT_TYPE,
        headers: Mapping[str, str | None] = MappingProxyType({}),
    ) -> HttpResponseBase:
        """Ask with a body as it is, and return the answer as it is. Raises RefusedError."""
        inner = self._build_request(method, path, body, content_type, headers)
        response = _call_view(inner)
        if response.status_code >= 400:
            found = orjson.loads(bytes(getattr(response, "content", b"{}")))
            raise RefusedError(response.status_code, found["error"])
        return response

    @contextmanager
    def rollback_transaction(self) -> Iterator[None]:
        """Do what follows for real, and take it back: nothing is committed or published."""
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
    """Write a value as one segment of a path."""
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
    except Exception as raised:  # noqa: BLE001 - as Django does around every view
        shaped = _envelope_middleware.process_exception(inner, raised)
        assert shaped is not None, "only pages for people keep Django's own errors"
        return shaped
    render = getattr(response, "render", None)
    return render() if render else response


def _refuse_request(_request: HttpRequest) -> HttpResponseBase:
    raise NotFoundError("no request passes here")


# The outermost middleware knows what a view's exception means; it alone speaks of it.
_envelope_middleware = EnvelopeMiddleware(_refuse_request)
