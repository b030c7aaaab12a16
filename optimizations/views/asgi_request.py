"""Read a serve request of the ASGI interface, as far as its body and its headers go."""

import asyncio
import functools
import re
from collections.abc import Mapping
from contextlib import suppress

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from levered_site.api import credentials, requests
from levered_site.web.asgi_types import Message, Receive, Scope
from levered_site.web.bodies import BODY_ARRIVED
from optimizations.views.serve_request import LARGEST_BODY

SERVE_PATH = re.compile(
    r"/api/v2/optimizations/(?:best-variant"
    r"|([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})/serve)"
)
KEY_PREFIX = credentials.KEY_PREFIX.encode()
# Requests with one of these headers are Django's.
OTHER_HEADERS = frozenset({b"transfer-encoding", b"content-encoding"})
# Key of a scope that holds the headers by name, none of which comes twice.
HEADERS_BY_NAME = "levered.headers_by_name"
# A body that takes longer is read by the bridge, which ends the wait.
BODY_SECONDS = 1.0


def match_path(scope: Scope) -> re.Match[str] | None:
    """Return the match of a serve path, whose first group is the id; else None.

    None as well for a request whose headers Django should judge: a long, chunked or
    compressed body, a header that is sent twice, a host that is not allowed.
    """
    if scope["type"] != "http" or scope["method"] != "POST" or scope["query_string"]:
        return None
    path = SERVE_PATH.fullmatch(scope["path"])
    return path if path and _has_plain_headers(scope) else None


def _has_plain_headers(scope: Scope) -> bool:
    headers = scope[HEADERS_BY_NAME] = dict(scope["headers"])
    return (
        len(headers) == len(scope["headers"])
        and int(headers.get(b"content-length", b"0")) <= LARGEST_BODY
        and OTHER_HEADERS.isdisjoint(headers)
        and _is_host_allowed(headers.get(b"host", b""), tuple(settings.ALLOWED_HOSTS))
    )


@functools.lru_cache(maxsize=1024)
def _is_host_allowed(host: bytes, allowed_hosts: tuple[str, ...]) -> bool:
    """Return whether Django's request.get_host() would accept the header."""
    domain, _ = split_domain_port(host.decode("latin-1"))
    return bool(domain) and validate_host(domain, list(allowed_hosts))


async def receive_body(
    scope: Scope, receive: Receive
) -> tuple[list[Message], bytes | None]:
    """Return the messages received, and the body if it is complete within a second."""
    if BODY_ARRIVED in scope:
        messages = [await receive()]
    else:
        messages = await _receive_messages(receive)
    if not messages or messages[-1].get("more_body", False):
        return messages, None
    if messages[-1]["type"] != "http.request":  # the client left
        return messages, None
    if len(messages) == 1:
        return messages, messages[0].get("body", b"")
    return messages, b"".join(message.get("body", b"") for message in messages)


async def _receive_messages(receive: Receive) -> list[Message]:
    messages: list[Message] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(BODY_SECONDS):
            while not messages or messages[-1].get("more_body", False):
                messages.append(await receive())
    return messages


def find_secret(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the API key of a request, as credentials.read_api_key does."""
    secret = headers.get(b"x-api-key")
    if not secret:
        scheme, _, token = headers.get(b"authorization", b"").strip().partition(b" ")
        if scheme.lower() != b"bearer" or not token.strip().startswith(KEY_PREFIX):
            return None
        secret = token.strip()
    return secret.decode("latin-1")


def replay(messages: list[Message], receive: Receive) -> Receive:
    """Return a `receive` that repeats the messages before it goes on."""
    waiting = messages[::-1]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


def find_network(scope: Scope, headers: Mapping[bytes, bytes]) -> str:
    """Return the client's network, as requests.get_client_network does."""
    client = scope["client"]
    forwarded_for = headers.get(b"x-forwarded-for", b"")
    if forwarded_for and settings.TRUSTED_PROXIES <= 0:
        requests.warn_of_untrusted_proxy()
    return requests.resolve_client_network(
        client[0] if client else "",
        forwarded_for.decode("latin-1") if settings.TRUSTED_PROXIES > 0 else "",
        settings.TRUSTED_PROXIES,
    )


def is_secure(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Return what Django's request.is_secure() would."""
    if settings.SECURE_PROXY_SSL_HEADER is None:
        return bool(scope["scheme"] == "https")
    return headers.get(b"x-forwarded-proto", b"").split(b",")[0].strip() == b"https"
