"""Authentication: people by bearer token, programs by API key."""

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from levered_site.api import requests
from levered_site.errors import UnauthorizedError
from levered_site.organizations import api_keys, members, tokens
from levered_site.organizations.actors import Caller, KeyHolder

BEARER_REQUIRED = "Send a bearer token: `Authorization: Bearer …`."
API_KEY_NOT_ACCEPTED = (
    "An API key works for the ingestion API only; send a bearer token."
)
API_KEY_MISSING = (
    "Send an API key: `Authorization: Bearer lev_…` or `X-API-Key: lev_…`."
)
API_KEY_REQUIRED = "The ingestion API needs an API key (`lev_…`), not a bearer token."
API_KEY_INVALID = "The API key is unknown or revoked; create a new one."


class BearerAuthentication(BaseAuthentication):
    """For management endpoints: `request.user` becomes a Caller."""

    # read by levered_site.api.openapi
    schemes = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        """Return the caller; None without credentials.

        Raises:
            UnauthorizedError, ForbiddenError, UnavailableError: see `verify_token`.
        """
        caller = authenticate_caller(requests.get_django_request(request))
        return None if caller is None else (caller, caller)

    def authenticate_header(self, _request: Request) -> str:
        """Return the WWW-Authenticate header of a 401."""
        return "Bearer"


class ApiKeyAuthentication(BaseAuthentication):
    """For ingestion: `request.user` becomes a KeyHolder."""

    schemes = {
        "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "api_key_bearer": {"type": "http", "scheme": "bearer"},
    }

    def authenticate(self, request: Request) -> tuple[KeyHolder, KeyHolder]:
        """Return the holder of the key.

        Raises:
            UnauthorizedError: there is no key, or it is unknown or revoked.
        """
        holder = authenticate_key_holder(requests.get_django_request(request))
        return holder, holder

    def authenticate_header(self, _request: Request) -> str:
        """Return the WWW-Authenticate header of a 401."""
        return "Bearer"


def authenticate_caller(request: HttpRequest) -> Caller | None:
    """Return the caller by the bearer token of any Django request; None without one.

    Raises:
        UnauthorizedError: the token is invalid, or it is an API key.
        ForbiddenError: the token names no organization.
        UnavailableError: the issuer's keys cannot be fetched.
    """
    token = read_bearer_token(request)
    if token is None:
        if "HTTP_X_API_KEY" in request.META:
            raise UnauthorizedError(API_KEY_NOT_ACCEPTED)
        return None
    if token.startswith(api_keys.KEY_PREFIX):
        raise UnauthorizedError(API_KEY_NOT_ACCEPTED)
    identity = tokens.verify_token(token)
    members.upsert_member(identity)
    return identity.caller


def authenticate_key_holder(request: HttpRequest) -> KeyHolder:
    """Return the holder of the API key in X-API-Key or Authorization.

    Raises:
        UnauthorizedError: there is no key, it is unknown or revoked, or it is a token.
    """
    secret = request.META.get("HTTP_X_API_KEY") or read_bearer_token(request)
    if not secret:
        raise UnauthorizedError(API_KEY_MISSING)
    if not secret.startswith(api_keys.KEY_PREFIX):
        raise UnauthorizedError(
            API_KEY_REQUIRED if secret.count(".") == 2 else API_KEY_INVALID
        )
    key = api_keys.find_key(secret)
    if key is None:
        raise UnauthorizedError(API_KEY_INVALID)
    return KeyHolder(organization_id=key.organization_id, key_id=str(key.pk))


def read_bearer_token(request: HttpRequest) -> str | None:
    """Return the token after `Bearer`; None if the header is absent.

    Raises:
        UnauthorizedError: the scheme is not Bearer, or no token follows it.
    """
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if not header.strip():
        return None
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthorizedError(BEARER_REQUIRED)
    return str(token.strip())
