"""API keys on the hot path: a serve with a key needs no query."""

from typing import TypeAlias

from django.http import HttpRequest

from levered_site.api import credentials
from levered_site.organizations import authentication, key_memory, scopes
from levered_site.organizations.actors import KeyHolder

ServingKey: TypeAlias = KeyHolder


def find_key_in_memory(digest: str) -> ServingKey | None:
    """Return the key of a secret's digest if this process knows that it may serve now.

    None says nothing about the key: call `authenticate_serving_key`. Reads no store and
    takes no lock, so it may be called in an event loop.
    """
    holder = key_memory.find_holder(digest)
    if holder is None or scopes.SERVE not in holder.scopes:
        return None
    return holder


def authenticate_serving_key(request: HttpRequest) -> ServingKey | None:
    """Return the key of a serve request; None without one, since serving is public.

    A bearer token of a person is no key and is ignored. Call `require_serve_scope` next:
    a key that may not serve is known, so its requests are its own.

    Raises:
        UnauthorizedError: the key is unknown, revoked or expired.
        RateLimitedError: too many unknown keys from this address.
    """
    secret = credentials.read_api_key(request)
    return None if secret is None else authentication.load_key_holder(request, secret)


def require_serve_scope(key: ServingKey | None) -> None:
    """Raise ForbiddenError if there is a key, and it lacks the scope `serve`."""
    if key is not None:
        scopes.require_scope(key, scopes.SERVE)
