"""Read the credentials that a request carries, without checking them."""

from django.http import HttpRequest

from levered_site.errors import UnauthorizedError

KEY_PREFIX = "lev_"
BEARER_REQUIRED = "Send a bearer token: `Authorization: Bearer …`."


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


def read_api_key(request: HttpRequest) -> str | None:
    """Return the API key of a request to an endpoint of programs; None without one.

    It stands in `X-API-Key` (any value is meant as a key) or in `Authorization: Bearer`
    (only if it starts with `lev_`).
    """
    bearer = _find_bearer(request)
    is_key = bearer.startswith(KEY_PREFIX)
    return request.META.get("HTTP_X_API_KEY") or (bearer if is_key else None)


def read_key_of_caller(request: HttpRequest) -> str | None:
    """Return the API key of a request to a management endpoint; None without one.

    The token of a person goes first: beside it, `X-API-Key` is ignored.
    """
    bearer = _find_bearer(request)
    if bearer and not bearer.startswith(KEY_PREFIX):
        return None
    return read_api_key(request)


def _find_bearer(request: HttpRequest) -> str:
    header = request.META.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = str(header).strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
