"""Which hosts and pages may speak with the endpoint: the wall against DNS rebinding."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from levered_site.errors import ForbiddenError

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


def require_trusted_origin(request: HttpRequest) -> None:
    """Refuse a Host that is not ours, and an Origin that no setting names.

    A page that points its own name at this machine sends that name as Host and Origin;
    programs send no Origin. Raises ForbiddenError naming the setting.
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
            f"Pages of {origin[:200]!r} may not use MCP here: the operator allows them "
            "by CORS_ALLOWED_ORIGINS."
        )


def _list_allowed_hosts() -> list[str]:
    public = urlsplit(settings.PUBLIC_URL).hostname or ""
    named = [host for host in settings.ALLOWED_HOSTS if host != "*"]
    return [*LOCAL_HOSTS, public, *named]


def _list_allowed_origins() -> list[str]:
    return [settings.PUBLIC_URL, *settings.CORS_ALLOWED_ORIGINS]
