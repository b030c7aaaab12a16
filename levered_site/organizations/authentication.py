"""Who is asking: a person by bearer token, or a program by API key."""

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from levered_site.errors import UnauthorizedError
from levered_site.organizations import api_keys, members, tokens
from levered_site.organizations.actors import Caller, KeyHolder

BEARER_REQUIRED = "Send a bearer token: `Authorization: Bearer …`."
API_KEY_NOT_ACCEPTED = (
    "An API key opens the ingestion API and nothing else; send a bearer token."
)
API_KEY_MISSING = (
    "Send an API key: `Authorization: Bearer lev_…` or `X-API-Key: lev_…`."
)
API_KEY_REQUIRED = "Ingestion takes an API key (`lev_…`), not a bearer token."
API_KEY_INVALID = "The API key is unknown or revoked."


class BearerAuthentication(BaseAuthentication):
    """For management endpoints: `request.user` becomes a Caller."""

    # for OpenAPI
    schemes = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        """Return the caller; None without any credentials.

        Raises:
            UnauthorizedError, ForbiddenError, UnavailableError: as `tokens.read` says.
        """
        caller = authenticate_caller(request._request)  # noqa: SLF001 - DRF offers no other way
        return None if caller is None else (caller, caller)

    def authenticate_header(self, _request: Request) -> str:
        """Name the scheme for 401."""
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
            UnauthorizedError: no key, an unknown or revoked one, or a token instead.
        """
        holder = authenticate_key_holder(request._request)  # noqa: SLF001 - as above
        return holder, holder

    def authenticate_header(self, _request: Request) -> str:
        """Name the scheme for 401."""
        return "Bearer"


def authenticate_caller(request: HttpRequest) -> Caller | None:
    """Read the bearer token of a request; for doors that are no DRF view, too.

    Raises:
        UnauthorizedError: the token does not hold, or it is an API key.
        ForbiddenError: the token is of no organization.
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
    """Read the API key of a request, from either header.

    Raises:
        UnauthorizedError: no key, an unknown or revoked one, or a token instead.
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
    """Return what follows `Bearer`; None where the header is absent.

    Raises:
        UnauthorizedError: another scheme, or nothing after it.
    """
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if not header.strip():
        return None
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthorizedError(BEARER_REQUIRED)
    return str(token.strip())
