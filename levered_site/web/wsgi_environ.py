"""The WSGI environ of an ASGI request (PEP 3333)."""

import io
import sys
from typing import Any
from urllib.parse import unquote_to_bytes

from levered_site.web.asgi_types import Scope

MAX_REMEMBERED_NAMES = 1000
UNPREFIXED_NAMES = {
    b"content-type": "CONTENT_TYPE",
    b"content-length": "CONTENT_LENGTH",
}

# Header name to environ key. Clients choose the names, so their number is limited.
_keys_by_name: dict[bytes, str] = {}


def build_environ(scope: Scope, body: bytes) -> dict[str, Any]:
    """Return the environ of a request whose body was read.

    Repeated headers are joined. Headers whose name contains an underscore are dropped:
    in the environ they would be taken for the header with hyphens.
    """
    raw_path: bytes = scope["raw_path"]
    path = unquote_to_bytes(raw_path) if b"%" in raw_path else raw_path
    client, server = scope["client"] or ("", 0), scope["server"] or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    _add_headers(environ, scope["headers"])
    return environ


def _add_headers(environ: dict[str, Any], headers: list[tuple[bytes, bytes]]) -> None:
    for name, value in headers:
        key = _keys_by_name.get(name) or _build_key(name)
        if not key:
            continue
        text = value.decode("latin-1")
        if key in environ:
            separator = "; " if key == "HTTP_COOKIE" else ","
            text = f"{environ[key]}{separator}{text}"
        environ[key] = text


def _build_key(name: bytes) -> str:
    """Return the environ key of a header in lower case; "" for one to drop."""
    if b"_" in name:
        return ""
    text = name.decode("latin-1").upper().replace("-", "_")
    key = UNPREFIXED_NAMES.get(name, f"HTTP_{text}")
    if len(_keys_by_name) < MAX_REMEMBERED_NAMES:
        _keys_by_name[name] = key
    return key
