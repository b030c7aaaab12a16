"""The base class of the views that backends call with a secret API key."""

from typing import Any, NoReturn

from django.conf import settings
from rest_framework.request import Request

from levered_site.api import cors, exceptions
from levered_site.api.base_view import BaseAPIView
from levered_site.errors import ForbiddenError

PAGE_HINT = (
    "Secret API keys do not belong in web pages, where everybody can read them: send "
    "this from a backend, or send events from a page to /api/v2/track with a publishable "
    "key."
)
# What browsers send with the requests of a page of another origin.
FOREIGN_SITES = frozenset({"cross-site", "same-site"})


@cors.allow_reading_refusals
class SecretKeyView(BaseAPIView):
    """A view that tells pages of other origins that they must not call it."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a browser's page, then authenticate and check permissions.

        Other clients that send an `Origin` pass; where they are refused, they get the
        hint too.
        """
        is_foreign = _has_foreign_origin(request)
        if is_foreign and request.headers.get("Sec-Fetch-Site") in FOREIGN_SITES:
            raise ForbiddenError(PAGE_HINT)
        try:
            super().initial(request, *args, **kwargs)
        except Exception as error:
            if is_foreign:
                _raise_with_hint(error)
            raise


def _has_foreign_origin(request: Request) -> bool:
    origin = request.headers.get("Origin")
    own = f"{request.scheme}://{request.get_host()}"
    return origin is not None and origin not in (own, *settings.CORS_ALLOWED_ORIGINS)


def _raise_with_hint(exception: Exception) -> NoReturn:
    """Raise a 401 or 403 with the hint, and anything else as it is."""
    error = exceptions.translate_exception(exception)
    if error is None or error.status not in {401, 403}:
        raise exception
    raise type(error)(f"{error.message} {PAGE_HINT}") from exception
