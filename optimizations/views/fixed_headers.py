"""The headers that all answers of serve have, encoded once for each origin."""

from dataclasses import dataclass

from levered_site.api import cors, response_headers

MAX_ORIGINS = 1_000


@dataclass(frozen=True, slots=True)
class EncodedHeaders:
    """Headers for ASGI, and as lines of a response."""

    headers: list[tuple[bytes, bytes]]
    lines: bytes


class FixedHeaders:
    """Content type, CORS and security headers, as Django's answers have them."""

    def __init__(self) -> None:
        self._encoded: dict[tuple[str | None, bool], EncodedHeaders] = {}

    def find(self, origin: str | None, *, is_secure: bool) -> EncodedHeaders:
        """Return the headers for the `Origin` of a request."""
        encoded = self._encoded.get((origin, is_secure))
        if encoded is None:
            if len(self._encoded) >= MAX_ORIGINS:
                self._encoded.clear()
            encoded = _encode_headers(origin, is_secure=is_secure)
            self._encoded[origin, is_secure] = encoded
        return encoded


def _encode_headers(origin: str | None, *, is_secure: bool) -> EncodedHeaders:
    named = [
        ("Content-Type", "application/json"),
        *cors.build_public_cors_headers(origin),
        *response_headers.build_security_headers(is_secure=is_secure),
    ]
    headers = [
        (name.lower().encode(), value.encode("latin-1")) for name, value in named
    ]
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return EncodedHeaders(headers, lines)
