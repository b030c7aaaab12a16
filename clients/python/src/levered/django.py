"""Django: the visitor of a request.

Add `levered.django.LeveredMiddleware` to MIDDLEWARE and set `LEVERED`, a dict of the
arguments of `Levered`.
"""

import uuid
from collections.abc import Callable
from typing import Any, Unpack

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from levered.client import Levered
from levered.decision import Context, Decision, How, Variant

SETTING = "LEVERED"
COOKIE = "levered_id"
YEAR = 31_536_000


class LeveredRequest(HttpRequest):
    """A request that the middleware has seen, for annotations."""

    levered: "Visitor"


class Visitor:
    """Who makes a request. The id comes from the cookie of the JavaScript SDK."""

    def __init__(self, client: Levered, request: HttpRequest) -> None:
        self._client = client
        self._known = request.COOKIES.get(COOKIE, "")
        self._user_agent = request.headers.get("User-Agent", "")
        self._made = ""

    @property
    def anonymous_id(self) -> str:
        """The visitor's id. A new one is stored in a cookie with the response."""
        if not self._known and not self._made:
            self._made = str(uuid.uuid4())
        return self._known or self._made

    def get_variant(
        self,
        optimization_id: object,
        context: Context | None = None,
        fallback: Variant | None = None,
        **how: Unpack[How],
    ) -> Variant:
        """Return the variant to show; the fallback whenever there is no decision.

        A factor that only the fallback has keeps the fallback's value.
        """
        return self.get_decision(optimization_id, context, fallback, **how).variant

    def get_decision(
        self,
        optimization_id: object,
        context: Context | None = None,
        fallback: Variant | None = None,
        **how: Unpack[How],
    ) -> Decision:
        """Return the variant to show with what is known about it."""
        how.setdefault("user_agent", self._user_agent)
        return self._client.get_decision(
            optimization_id, self.anonymous_id, context, fallback, **how
        )

    def track(self, name: str, value: float | None = None, **fields: Any) -> None:
        """Queue a reward, to be sent soon."""
        self._client.track(name, self.anonymous_id, value, **fields)

    def store(self, response: HttpResponse, *, is_secure: bool) -> None:
        """Store a new id in a cookie. A response that depends on it varies by it."""
        if self._known or self._made:
            patch_vary_headers(response, ("Cookie",))
        if self._made:
            response.set_cookie(
                *(COOKIE, self._made, YEAR), secure=is_secure, samesite="Lax"
            )


class LeveredMiddleware:
    """Adds `request.levered`, a Visitor. One client serves all requests."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._client = Levered(**getattr(settings, SETTING))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        visitor = Visitor(self._client, request)
        vars(request)["levered"] = visitor
        response = self._get_response(request)
        visitor.store(response, is_secure=request.is_secure())
        return response
