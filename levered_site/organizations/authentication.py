"""Who is asking: a person by bearer token, or a program by API key."""

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from levered_site.errors import UnauthorizedError
from levered_site.organizations import keys, members, tokens
from levered_site.organizations.actors import Caller, KeyHolder

WANT_BEARER = "Send a bearer token: `Authorization: Bearer …`."
KEY_HERE = "An API key opens the ingestion API and nothing else; send a bearer token."
NO_KEY = "Send an API key: `Authorization: Bearer lev_…` or `X-API-Key: lev_…`."
KEY_WANTED = "Ingestion takes an API key (`lev_…`), not a bearer token."
BAD_KEY = "The API key is unknown or revoked."


class BearerAuthentication(BaseAuthentication):
    """For management endpoints: `request.user` becomes a Caller."""

    # for OpenAPI
    schemes = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        """Return the caller; None without any credentials.

        Raises:
            UnauthorizedError, ForbiddenError, UnavailableError: as `tokens.read` says.
        """
        caller = caller_of(request._request)  # noqa: SLF001 - DRF offers no other way
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
        holder = key_holder_of(request._request)  # noqa: SLF001 - as above
        return holder, holder

    def authenticate_header(self, _request: Request) -> str:
        """Name the scheme for 401."""
        return "Bearer"


def caller_of(request: HttpRequest) -> Caller | None:
    """Read the bearer token of a request; for doors that are no DRF view, too.

    Raises:
        UnauthorizedError: the token does not hold, or it is an API key.
        ForbiddenError: the token is of no organization.
    """
    token = bearer_of(request)
    if token is None:
        if "HTTP_X_API_KEY" in request.META:
            raise UnauthorizedError(KEY_HERE)
        return None
    if token.startswith(keys.MARK):
        raise UnauthorizedError(KEY_HERE)
    identity = tokens.read(token)
    members.welcome(identity)
    return identity.caller


def key_holder_of(request: HttpRequest) -> KeyHolder:
    """Read the API key of a request, from either header.

    Raises:
        UnauthorizedError: no key, an unknown or revoked one, or a token instead.
    """
    secret = request.META.get("HTTP_X_API_KEY") or bearer_of(request)
    if not secret:
        raise UnauthorizedError(NO_KEY)
    if not secret.startswith(keys.MARK):
        raise UnauthorizedError(KEY_WANTED if secret.count(".") == 2 else BAD_KEY)
    key = keys.find(secret)
    if key is None:
        raise UnauthorizedError(BAD_KEY)
    return KeyHolder(organization_id=key.organization_id, key_id=str(key.pk))


def bearer_of(request: HttpRequest) -> str | None:
    """Return what follows `Bearer`; None where the header is absent.

    Raises:
        UnauthorizedError: another scheme, or nothing after it.
    """
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if not header.strip():
        return None
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise UnauthorizedError(WANT_BEARER)
    return str(token.strip())
