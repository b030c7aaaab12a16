"""Endpoint of MCP: one POST a message, authenticated before the protocol reads it."""

import importlib
from typing import Protocol, cast

from django.http import HttpRequest, HttpResponse

from levered_site.api import body_limits, parsers, responses, throttles
from levered_site.errors import UnauthorizedError
from levered_site.mcp import discovery, dns_rebinding
from levered_site.mcp.rest_api import Api
from levered_site.organizations import authentication

MAX_BODY_BYTES = 5 * body_limits.MB  # the limit of ingestion
SIGN_IN_MESSAGE = (
    "Send a bearer token of your organization: sign in with the authorization server "
    "that the resource metadata names or, on a local install, use the token that "
    "`manage.py issue_token` prints."
)
# Imported with the first message: the SDK takes 0.5 s and some 50 MB, which a process
# that gets no MCP message is spared.
PROTOCOL_MODULE = "levered_site.mcp.protocol"


class ProtocolModule(Protocol):
    """What this module calls in `levered_site.mcp.protocol`."""

    def answer_message(self, api: Api) -> HttpResponse:
        """Answer the MCP message in the body of the caller's request."""


@responses.json_view("POST", query_parameters=None)
@body_limits.limit_body(MAX_BODY_BYTES)
def handle_mcp_request(request: HttpRequest) -> HttpResponse:
    """Count the request against the rate limit, authenticate it, and answer its message."""
    throttles.count_by_address(request)
    dns_rebinding.require_trusted_host_and_origin(request)
    try:
        caller = authentication.authenticate_caller(request)
    except UnauthorizedError as error:
        return _build_challenge_response(error, sent=True)
    if caller is None:
        return _build_challenge_response(UnauthorizedError(SIGN_IN_MESSAGE), sent=False)
    parsers.refuse_too_many_values(request.body)  # the SDK would parse them all
    protocol = cast("ProtocolModule", importlib.import_module(PROTOCOL_MODULE))
    return protocol.answer_message(Api(request, caller))


def _build_challenge_response(error: UnauthorizedError, *, sent: bool) -> HttpResponse:
    response = responses.build_error_response(error)
    response["WWW-Authenticate"] = discovery.build_challenge(error, sent=sent)
    return response
