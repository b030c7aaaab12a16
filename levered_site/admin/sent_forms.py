"""Forms that create something do it once, however often a browser sends them.

Each form carries a random token. The first request that has it creates; a page that is
loaded again, or a second click, sends it again and is refused.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.core.cache import cache
from django.http import HttpRequest

from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.errors import ConflictError

TOKEN_FIELD: Final = "form_token"  # noqa: S105 - the name of a field, not a secret
TOKEN_LENGTH: Final = 32
KEPT_SECONDS: Final = int(timedelta(hours=12).total_seconds())  # as long as a session
SENT_MESSAGE: Final = (
    "This form was sent before, and what it describes exists already: see the list. "
    "Open the page again to create another one."
)


def get_token(request: HttpRequest) -> str:
    """Return the token that the form carries: of one that was refused, the same."""
    sent = request.POST.get(TOKEN_FIELD, "")
    return sent if len(sent) == TOKEN_LENGTH else secrets.token_hex(TOKEN_LENGTH // 2)


@contextmanager
def claim_form(request: HttpRequest) -> Iterator[None]:
    """Let one request create what its form describes, and release it if that fails.

    Without the cache every request passes.

    Raises:
        ConflictError: another request with the form's token has passed.
    """
    key = f"admin-form:{request.user.pk}:{request.POST.get(TOKEN_FIELD, '')[:64]}"
    if TOKEN_FIELD in request.POST and not _claim(key):
        raise ConflictError(SENT_MESSAGE)
    try:
        yield
    except Exception:
        _release(key)
        raise


def _claim(key: str) -> bool:
    try:
        return bool(cache.add(key, 1, KEPT_SECONDS))
    except CACHE_ERRORS:
        return True


def _release(key: str) -> None:
    try:
        cache.delete(key)
    except CACHE_ERRORS:
        return
