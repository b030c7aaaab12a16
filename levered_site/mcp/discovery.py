"""How a client learns where to sign in: OAuth 2.0 protected resource metadata, RFC 9728."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from levered_site.api import responses
from levered_site.errors import UnauthorizedError
from levered_site.organizations import tokens

WELL_KNOWN = "/.well-known/oauth-protected-resource"
ENDPOINT = "/mcp"


@responses.json_view("GET", "HEAD", any_origin=True, query_parameters=None)
def get_resource_metadata(_request: HttpRequest) -> HttpResponse:
    """Return this resource's name and the issuer of its tokens.

    The local issuer prints tokens (`manage.py issue_token`) and has no sign-in page, so
    it is named as `issuer` and not among the authorization servers.
    """
    issuer = (
        {"authorization_servers": [settings.CLERK_ISSUER]}
        if tokens.is_clerk_configured()
        else {"issuer": tokens.LOCAL_ISSUER}
    )
    document = {
        "resource": f"{settings.PUBLIC_URL}{ENDPOINT}",
        "resource_name": "Levered",
        "bearer_methods_supported": ["header"],
        **issuer,
    }
    return HttpResponse(responses.to_json(document), responses.JSON_CONTENT_TYPE)


def build_challenge(error: UnauthorizedError, *, sent: bool) -> str:
    """Return the WWW-Authenticate header of a 401; `sent`: the request had a bad token."""
    parts = [f'resource_metadata="{settings.PUBLIC_URL}{WELL_KNOWN}"']
    if sent:
        message = error.message.encode("ascii", "replace").decode()
        quotable = message.replace("\\", "").replace('"', "'")[:200]
        parts = ['error="invalid_token"', f'error_description="{quotable}"', *parts]
    return f"Bearer {', '.join(parts)}"
