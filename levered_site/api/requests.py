"""What a request says about itself: its id, its sender, its flags, the state it saw."""

import ipaddress
import uuid
from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest

from levered_site.errors import InvalidParametersError

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def assign_request_id() -> str:
    """Give the request that starts here its id. None is taken from outside."""
    request_id = f"req_{uuid.uuid4().hex}"
    _request_id.set(request_id)
    return request_id


def get_request_id() -> str:
    """Name the request being answered; empty outside of one (a worker, a shell)."""
    return _request_id.get()


def get_client_ip(request: HttpRequest) -> str:
    """Say who is at the other end, behind `TRUSTED_PROXIES` proxies of our own.

    Each proxy appends the address it saw to X-Forwarded-For, so only the last
    `TRUSTED_PROXIES` entries are true; whatever stands left of them was sent by the
    client and is ignored. Returns "" when the server knows no address (a socket).
    """
    peer = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXIES <= 0:
        return _normalize_address(peer) or peer
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    hops = [hop.strip() for hop in forwarded if hop.strip()] + [peer]
    seen = hops[max(0, len(hops) - 1 - settings.TRUSTED_PROXIES)]
    return _normalize_address(seen) or _normalize_address(peer) or peer


def get_client_network(request: HttpRequest) -> str:
    """Name the sender for counting: an IPv4 address, or the /64 of an IPv6 one."""
    ip = get_client_ip(request)
    if ":" not in ip:
        return ip
    return str(ipaddress.ip_network(f"{ip}/64", strict=False).network_address)


def _normalize_address(text: str) -> str:
    """Bring an address to one spelling; "" when it is none."""
    for candidate in (text, text.rpartition(":")[0].strip("[]")):
        try:
            address = ipaddress.ip_address(candidate)
        except ValueError:
            continue
        if isinstance(address, ipaddress.IPv6Address):
            return str(address.ipv4_mapped or ipaddress.IPv6Address(int(address)))
        return str(address)
    return ""


def read_flag(request: HttpRequest, name: str, *, default: bool = False) -> bool:
    """Read a query parameter that is `true` or `false`.

    Raises:
        InvalidParametersError: it is something else.
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
    """Read a query parameter that is one of `choices`; None when it is absent.

    Raises:
        InvalidParametersError: it is something else.
    """
    text = request.GET.get(name)
    if text is not None and text not in choices:
        raise InvalidParametersError.for_field(
            name, f"must be one of {', '.join(choices)}"
        )
    return text
