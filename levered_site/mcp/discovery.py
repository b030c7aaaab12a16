"""Where a client learns how to sign in: OAuth 2.0 protected resource metadata, RFC 9728."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from levered_site.api import responses
from levered_site.errors import UnauthorizedError
from levered_site.organizations import tokens

WELL_KNOWN = "/.well-known/oauth-protected-resource"
ENDPOINT = "/mcp"


@responses.json_view("GET", "HEAD", "OPTIONS", any_origin=True)
def get_resource_metadata(request: HttpRequest) -> HttpResponse:
    """Name this resource and who issues its tokens.

    The local issuer prints tokens (`manage.py issue_token`) and has no page to sign in:
    it is named, but as no authorization server.
    """
    if request.method == "OPTIONS":
        return responses.build_preflight_response(("GET",))
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
    """Write the WWW-Authenticate of a 401; `sent` says that a token came, and was bad."""
    parts = [f'resource_metadata="{settings.PUBLIC_URL}{WELL_KNOWN}"']
    if sent:
        said = error.message.encode("ascii", "replace").decode()
        plain = said.replace("\\", "").replace('"', "'")[:200]
        parts = ['error="invalid_token"', f'error_description="{plain}"', *parts]
    return f"Bearer {', '.join(parts)}"
