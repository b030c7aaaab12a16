"""Pass one Django request to the MCP SDK's ASGI transport, and return its response."""

import logging
from typing import Any

import anyio
from django.http import HttpRequest, HttpResponse
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from levered_site.mcp.rest_api import Api
from levered_site.mcp.views import MAX_BODY_BYTES

API_SCOPE_KEY = "levered.api"  # key of the caller's `Api` in the ASGI scope
# At INFO the SDK logs one line for the session manager of every request.
logging.getLogger("mcp.server").setLevel(logging.WARNING)


async def handle_request(server: Server[Any], api: Api) -> HttpResponse:
    """Run the SDK's transport on the caller's request and collect its response."""
    messages = [{"type": "http.request", "body": api.request.body}]
    response = HttpResponse()

    async def receive() -> dict[str, Any]:
        if not messages:
            # Never report a disconnect: a client that leaves must not cancel a call.
            await anyio.sleep_forever()
        return messages.pop()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            response.status_code = message["status"]
            del response["Content-Type"]
            for name, value in message.get("headers", []):
                response[name.decode("latin-1")] = value.decode("latin-1")
        else:
            response.write(message.get("body", b""))

    manager = StreamableHTTPSessionManager(
        server,
        json_response=True,
        stateless=True,
        max_request_body_size=MAX_BODY_BYTES,
    )
    async with manager.run():
        await manager.handle_request(
            _build_scope(api.request) | {API_SCOPE_KEY: api}, receive, send
        )
    return response


def _build_scope(request: HttpRequest) -> dict[str, Any]:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in request.headers.items()
    ]
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.META.get("QUERY_STRING", "").encode("latin-1"),
        "headers": headers,
        "client": None,
        "server": None,
    }
