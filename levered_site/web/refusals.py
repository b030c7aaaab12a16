"""Responses that the web server gives itself, in the API error format."""

from collections.abc import Iterable
from http import HTTPStatus

from levered_site.api import cors, requests, responses
from levered_site.errors import LeveredError
from levered_site.web.asgi_types import Headers, Scope, Send

CLOSE_HEADER = (b"connection", b"close")


def build_refusal(error: LeveredError) -> tuple[Headers, bytes]:
    """Return the headers and the body of the response for an error."""
    request_id = requests.assign_request_id()
    body = responses.to_json(
        {**responses.build_error_body(error), "meta": {"request_id": request_id}}
    )
    headers = [
        (name.lower().encode(), value.encode())
        for name, value in responses.build_error_headers(error).items()
    ]
    headers += [
        (b"content-type", responses.JSON_CONTENT_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id.encode()),
        CLOSE_HEADER,
    ]
    return headers, body


def encode_refusal(error: LeveredError, head: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the whole response for an error, as it goes over the wire.

    `head` has the headers that were read, perhaps not all. Pages of any origin may read
    this, which says nothing but what is wrong with the request.
    """
    headers, body = build_refusal(error)
    headers += _build_cors_headers(head)
    status = HTTPStatus(error.status)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"", body])


async def send_refusal(scope: Scope, send: Send, error: LeveredError) -> None:
    """Send the response for an error and let the server close the connection.

    Pages of any origin may read it: nobody was authenticated, and no endpoint was asked.
    """
    headers, body = build_refusal(error)
    headers += _build_cors_headers(scope["headers"])
    await send(
        {"type": "http.response.start", "status": error.status, "headers": headers}
    )
    await send({"type": "http.response.body", "body": body})


def _build_cors_headers(head: Iterable[tuple[bytes, bytes]]) -> Headers:
    origins = [value for name, value in head if name.lower() == b"origin"]
    origin = origins[-1].decode("latin-1") if origins else None
    return [
        (name.lower().encode(), value.encode("latin-1"))
        for name, value in cors.build_public_cors_headers(origin)
    ]
