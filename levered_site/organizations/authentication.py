"""Authentication: people by bearer token, programs by API key."""

from typing import Any, Final, TypeAlias

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from levered_site.api import credentials, requests, throttles
from levered_site.errors import UnauthorizedError
from levered_site.organizations import key_lookup, members, tokens
from levered_site.organizations.actors import Caller, KeyHolder

Credentials: TypeAlias = tuple[Caller, Caller] | tuple[KeyHolder, KeyHolder]

API_KEY_SCHEMES: Final[dict[str, dict[str, Any]]] = {
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "api_key_bearer": {"type": "http", "scheme": "bearer"},
}
API_KEY_NOT_ACCEPTED = (
    "An API key does not work here; send a bearer token of a person: "
    "`Authorization: Bearer …`."
)
API_KEY_MISSING = (
    "Send an API key: `Authorization: Bearer lev_…` or `X-API-Key: lev_…`."
)
API_KEY_REQUIRED = "This endpoint needs an API key (`lev_…`), not a bearer token."


class CallerAuthentication(BaseAuthentication):
    """For management endpoints: `request.user` becomes a Caller or a KeyHolder."""

    # read by levered_site.api.openapi
    schemes = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    key_schemes = API_KEY_SCHEMES

    def authenticate(self, request: Request) -> Credentials | None:
        """Return the caller or the holder of a key; None without credentials.

        Raises:
            UnauthorizedError, ForbiddenError, UnavailableError: see `verify_token`.
            UnauthorizedError, RateLimitedError: see `load_key_holder`.
        """
        caller = authenticate_caller_or_key(requests.get_django_request(request))
        if isinstance(caller, KeyHolder):
            return caller, caller
        return None if caller is None else (caller, caller)

    def authenticate_header(self, _request: Request) -> str:
        """Return the WWW-Authenticate header of a 401."""
        return "Bearer"


class ApiKeyAuthentication(BaseAuthentication):
    """For endpoints of programs only: `request.user` becomes a KeyHolder."""

    key_schemes = API_KEY_SCHEMES

    def authenticate(self, request: Request) -> tuple[KeyHolder, KeyHolder]:
        """Return the holder of the key.

        Raises:
            UnauthorizedError: there is no key, it is unknown, revoked or expired, or it
                is a token.
            RateLimitedError: too many unknown keys from this address.
        """
        holder = authenticate_key_holder(requests.get_django_request(request))
        return holder, holder

    def authenticate_header(self, _request: Request) -> str:
        """Return the WWW-Authenticate header of a 401."""
        return "Bearer"


def authenticate_caller_or_key(request: HttpRequest) -> Caller | KeyHolder | None:
    """Return the caller, or the holder of the key, of a request that manages or reads.

    Return None without credentials. Whether the key's scopes suffice is not asked.

    Raises:
        UnauthorizedError, ForbiddenError, UnavailableError: see `authenticate_caller`.
        UnauthorizedError, RateLimitedError: see `load_key_holder`.
    """
    secret = credentials.read_key_of_caller(request)
    if secret is not None:
        return load_key_holder(request, secret)
    return authenticate_caller(request)


def authenticate_caller(request: HttpRequest) -> Caller | None:
    """Return the caller by the bearer token of any Django request; None without one.

    Raises:
        UnauthorizedError: the token is invalid, or it is an API key.
        ForbiddenError: the token names no organization.
        UnavailableError: the issuer's keys cannot be fetched.
    """
    if credentials.read_key_of_caller(request) is not None:
        raise UnauthorizedError(API_KEY_NOT_ACCEPTED)
    token = credentials.read_bearer_token(request)
    if token is None:
        return None
    identity = tokens.verify_token(token)
    members.upsert_member(identity)
    return identity.caller


def authenticate_key_holder(request: HttpRequest) -> KeyHolder:
    """Return the holder of the API key in X-API-Key or Authorization.

    Raises:
        UnauthorizedError: there is no key, it is unknown, revoked or expired, or it is a
            token.
        RateLimitedError: too many unknown keys from this address.
    """
    secret = credentials.read_api_key(request)
    if secret is not None:
        return load_key_holder(request, secret)
    has_token = credentials.read_bearer_token(request) is not None
    raise UnauthorizedError(API_KEY_REQUIRED if has_token else API_KEY_MISSING)


def load_key_holder(request: HttpRequest, secret: str) -> KeyHolder:
    """Return the holder of a key that came with a request.

    Raises:
        UnauthorizedError: it is unknown, revoked or expired, or not a key at all.
        RateLimitedError: too many unknown keys from this address.
    """
    try:
        return _look_up_key(secret)
    except UnauthorizedError:
        # Counted after the look-up: a key that works is never held back by the wrong
        # ones of its address. A wrong one costs a query by an index at most.
        throttles.count_unknown_key(request)
        raise


def _look_up_key(secret: str) -> KeyHolder:
    if secret.count(".") == 2:  # a token in the place of a key
        raise UnauthorizedError(API_KEY_REQUIRED)
    return key_lookup.load_holder(secret)
