"""Forms that create something do it once, however often a browser sends them.

Each form carries a random token. The first request that has it creates; a page that is
loaded again, or a second click, sends it again and is refused.
"""

import re
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
TOKEN_BYTES: Final = 16
TOKEN: Final = re.compile(f"[0-9a-f]{{{2 * TOKEN_BYTES}}}")
KEPT_SECONDS: Final = int(timedelta(hours=12).total_seconds())  # as long as a session
SENT_MESSAGE: Final = (
    "This form was sent before, and what it describes exists already: see the list. "
    "Open the page again to create another one."
)


def get_token(request: HttpRequest) -> str:
    """Return the token that the form carries: of one that was refused, the same."""
    return _read_token(request) or secrets.token_hex(TOKEN_BYTES)


@contextmanager
def claim_form(request: HttpRequest) -> Iterator[None]:
    """Let one request create what its form describes, and release it if that fails.

    Without a token, or without the cache, every request passes.

    Raises:
        ConflictError: another request with the form's token has passed.
    """
    token = _read_token(request)
    key = f"admin-form:{request.user.pk}:{token}"
    if token and not _claim(key):
        raise ConflictError(SENT_MESSAGE)
    try:
        yield
    except Exception:
        _release(key)
        raise


def _read_token(request: HttpRequest) -> str:
    """Return the token that was sent; "" if it is none of ours."""
    sent = request.POST.get(TOKEN_FIELD, "")
    return sent if TOKEN.fullmatch(sent) else ""


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
