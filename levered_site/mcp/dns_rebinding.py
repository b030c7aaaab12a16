"""Protection against DNS rebinding: which hosts and browser origins may use MCP."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from levered_site.errors import ForbiddenError


def require_trusted_host_and_origin(request: HttpRequest) -> None:
    """Refuse a Host that is not this service's, and an Origin that no setting allows.

    A web page that points its own domain at this machine sends that domain as Host and
    Origin; programs send no Origin. Raises ForbiddenError naming the setting to change.
    """
    host = request.get_host()
    if not validate_host(split_domain_port(host)[0], _list_allowed_hosts()):
        raise ForbiddenError(
            f"{host!r} is not a host of this service: set PUBLIC_URL or "
            "ALLOWED_HOSTS to the name by which clients reach it."
        )
    origin = request.META.get("HTTP_ORIGIN")
    if origin is not None and origin not in _list_allowed_origins():
        raise ForbiddenError(
            f"Pages of {origin[:200]!r} may not use MCP here: the operator can allow "
            "them in CORS_ALLOWED_ORIGINS."
        )


def _list_allowed_hosts() -> list[str]:
    # With the brackets of an IPv6 address, as in a Host header.
    public_host, _ = split_domain_port(urlsplit(settings.PUBLIC_URL).netloc)
    configured = [host for host in settings.ALLOWED_HOSTS if host != "*"]
    return [*settings.LOOPBACK_HOSTS, public_host, *configured]


def _list_allowed_origins() -> list[str]:
    return [settings.PUBLIC_URL, *settings.CORS_ALLOWED_ORIGINS]
