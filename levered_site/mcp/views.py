"""Endpoint: MCP as one POST a message; who asks is settled before the protocol begins."""

import importlib
from typing import Protocol, cast

from django.http import HttpRequest, HttpResponse

from levered_site.api import answers, bodies, throttles
from levered_site.errors import UnauthorizedError
from levered_site.mcp import discovery, guard
from levered_site.mcp.calls import Api
from levered_site.organizations import authentication

LARGEST_BODY = 5 * bodies.MB  # as ingestion's
SIGN_IN = (
    "Send a bearer token of your organization: sign in with the authorization server "
    "that the resource metadata names or, on a local install, use the token that "
    "`manage.py issue_token` prints."
)
# The SDK takes 0.5 s and some 50 MB to load: a process that nobody speaks MCP to is
# spared both.
PROTOCOL = "levered_site.mcp.protocol"


class Speaks(Protocol):
    """What the module of the protocol offers."""

    def answer(self, api: Api) -> HttpResponse:
        """Answer the MCP message in the body of the caller's request."""


@answers.json_view("POST")
@bodies.limited_to(LARGEST_BODY)
def endpoint(request: HttpRequest) -> HttpResponse:
    """Count, check, authenticate; then let the SDK answer."""
    throttles.count(request)
    guard.refuse_strangers(request)
    try:
        caller = authentication.caller_of(request)
    except UnauthorizedError as error:
        return _challenge(error, sent=True)
    if caller is None:
        return _challenge(UnauthorizedError(SIGN_IN), sent=False)
    protocol = cast("Speaks", importlib.import_module(PROTOCOL))
    return protocol.answer(Api(request, caller))


def _challenge(error: UnauthorizedError, *, sent: bool) -> HttpResponse:
    refused = answers.error_response(error)
    refused["WWW-Authenticate"] = discovery.challenge(error, sent=sent)
    return refused
