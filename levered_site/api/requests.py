"""Read a request: its id, client address and query parameters."""

import functools
import ipaddress
import re
from collections.abc import Collection
from contextvars import ContextVar

import structlog
from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from levered_site import near_names, random_bytes
from levered_site.errors import FieldProblem, InvalidParametersError

MAX_NAMES, MAX_NAME_LENGTH = 20, 200  # of what is said of unknown query parameters

MAX_REQUEST_ID_LENGTH = 128
SENT_ID = re.compile(rf"[A-Za-z0-9._~:=+/@-]{{1,{MAX_REQUEST_ID_LENGTH}}}")

log = structlog.get_logger(__name__)

UNTRUSTED_PROXY_HINT = (
    "A request carries X-Forwarded-For, but TRUSTED_PROXIES is 0, so the header is ignored. "
    "If you run a proxy in front of the service, set TRUSTED_PROXIES to the number of "
    "proxies: until then all clients share the limits of the proxy's address."
)

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def assign_request_id(sent: str = "") -> str:
    """Assign an id to the current request; see `create_request_id`."""
    request_id = create_request_id(sent)
    _request_id.set(request_id)
    return request_id


def create_request_id(sent: str = "") -> str:
    """Return the id that the client or a proxy sent, if it is a plain one; else a new one.

    What else might be sent could break log lines, headers and JSON.
    """
    if sent and SENT_ID.fullmatch(sent):
        return sent
    return f"req_{random_bytes.take_random_bytes().hex()}"


def get_request_id() -> str:
    """Return the id of the current request; "" outside of one (worker, shell)."""
    return _request_id.get()


def get_django_request(request: Request) -> HttpRequest:
    """Return the Django request that a DRF request wraps."""
    return request._request  # noqa: SLF001 - DRF has no public name for it


def get_client_ip(request: HttpRequest) -> str:
    """Return the client's IP address; see `resolve_client_ip`."""
    return resolve_client_ip(*_read_addresses(request), settings.TRUSTED_PROXIES)


def resolve_client_ip(peer_address: str, forwarded_for: str, proxies: int) -> str:
    """Return the client's IP address, as seen by the outermost trusted proxy.

    Each proxy appends the address it saw to X-Forwarded-For, so only the last `proxies`
    entries can be trusted. Entries to the left of them come from the client and are
    ignored. Return "" if the connection has no address, as on a Unix socket.
    """
    if proxies <= 0:
        return _normalize_address(peer_address) or peer_address
    forwarded = forwarded_for.split(",")
    addresses = [text.strip() for text in forwarded if text.strip()] + [peer_address]
    client_address = addresses[max(0, len(addresses) - 1 - proxies)]
    return (
        _normalize_address(client_address)
        or _normalize_address(peer_address)
        or peer_address
    )


def get_client_network(request: HttpRequest) -> str:
    """Return the client's network for rate limits; see `resolve_client_network`."""
    return resolve_client_network(*_read_addresses(request), settings.TRUSTED_PROXIES)


def _read_addresses(request: HttpRequest) -> tuple[str, str]:
    forwarded_for = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if forwarded_for and settings.TRUSTED_PROXIES <= 0:
        warn_of_untrusted_proxy()
    return request.META.get("REMOTE_ADDR", ""), forwarded_for


@functools.cache
def warn_of_untrusted_proxy() -> None:
    """Log once in a process that a request came through a proxy that nobody named.

    Where PUBLIC_URL is https, the check levered.W001 has said so at the start.
    """
    if not settings.HTTPS:
        log.warning("proxy.untrusted", hint=UNTRUSTED_PROXY_HINT)


@functools.lru_cache(maxsize=4096)
def resolve_client_network(peer_address: str, forwarded_for: str, proxies: int) -> str:
    """Return the client's network: an IPv4 address or the /64 of an IPv6 address."""
    ip = resolve_client_ip(peer_address, forwarded_for, proxies)
    if ":" not in ip:
        return ip
    return str(ipaddress.ip_network(f"{ip}/64", strict=False).network_address)


def _normalize_address(text: str) -> str:
    """Return an address in its canonical form, without a port; "" if it is not one."""
    for candidate in (text, text.rpartition(":")[0].strip("[]")):
        try:
            address = ipaddress.ip_address(candidate)
        except ValueError:
            continue
        if isinstance(address, ipaddress.IPv6Address):
            # Unwrap ::ffff:1.2.3.4, and drop a scope id such as %eth0.
            return str(address.ipv4_mapped or ipaddress.IPv6Address(int(address)))
        return str(address)
    return ""


def read_flag(request: HttpRequest, name: str, *, default: bool = False) -> bool:
    """Read a query parameter that is `true` or `false`.

    Raises:
        InvalidParametersError: it is neither.
    """
    text = request.GET.get(name)
    if text is None:
        return default
    if text.lower() not in {"true", "false"}:
        raise InvalidParametersError.for_field(name, "must be true or false")
    return text.lower() == "true"


def read_choice(
    request: HttpRequest, name: str, choices: tuple[str, ...]
) -> str | None:
    """Read a query parameter that is one of `choices`; None if it is absent.

    Raises:
        InvalidParametersError: it is not one of them.
    """
    text = request.GET.get(name)
    if text is not None and text not in choices:
        raise InvalidParametersError.for_field(
            name, f"must be one of {', '.join(choices)}"
        )
    return text


def refuse_unknown_parameters(request: HttpRequest, known: Collection[str]) -> None:
    """Refuse query parameters that an endpoint does not read: a misspelled one would be lost.

    Raises:
        InvalidParametersError: names each unknown one, with the known one most like it.
    """
    if not request.META.get("QUERY_STRING"):  # nearly always, where nothing is parsed
        return
    unknown = [name for name in request.GET if name not in known]
    if not unknown:
        return
    problems = [
        FieldProblem(name[:MAX_NAME_LENGTH], _describe_unknown_parameter(name, known))
        for name in unknown[:MAX_NAMES]
    ]
    raise InvalidParametersError(
        f"`{problems[0].field}`: {problems[0].message}", problems
    )


def _describe_unknown_parameter(name: str, known: Collection[str]) -> str:
    meant = near_names.find_meant_field(name, known)
    if meant is not None:
        return f"unknown query parameter; did you mean `{meant}`?"
    names = ", ".join(sorted(known)) or "none"
    return f"unknown query parameter; known here: {names}"


def refuse_query(request: HttpRequest) -> None:
    """Refuse every query parameter of a request that destroys.

    The rest of an id with a bare `?` would be read as a query, and its beginning as the
    id of something else.

    Raises:
        InvalidParametersError: there is a query; it names the parameters.
    """
    query = request.META.get("QUERY_STRING", "")
    if not query:
        return
    problem = (
        "is no query parameter of this endpoint, so nothing was deleted. Percent-encode "
        "a `?` that belongs to an id: %3F."
    )
    names = list(request.GET) or [query]
    raise InvalidParametersError(
        f"`{names[0][:MAX_NAME_LENGTH]}` {problem}",
        [FieldProblem(name[:MAX_NAME_LENGTH], problem) for name in names[:MAX_NAMES]],
    )
