"""Find the body limit of the endpoint that a request addresses."""

from django.conf import settings
from django.urls import Resolver404, resolve

from levered_site.api import body_limits
from levered_site.api.middleware import ADMIN_PREFIXES
from levered_site.web.asgi_types import Scope


def find_body_limit(scope: Scope) -> int:
    """Return the largest body in bytes that the endpoint of the request reads."""
    path: str = scope["path"]
    if path.startswith(ADMIN_PREFIXES):
        return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    try:
        view = resolve(path).func
    except Resolver404:
        return body_limits.DEFAULT_LIMIT
    return body_limits.get_body_limit(view, scope["method"])
