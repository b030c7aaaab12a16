"""The base class of the DRF views: it counts requests before it authenticates them."""

import itertools
from collections.abc import Sequence
from typing import Any, NoReturn

from django.http import HttpRequest
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from levered_site.api import requests


class BaseAPIView(APIView):
    """An APIView that runs its early throttles first and does not answer OPTIONS."""

    http_method_names = ["get", "post", "put", "patch", "delete", "head"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count by address, authenticate, count by caller, then check permissions.

        Last, refuse query parameters that the endpoint does not read.
        """
        throttles = super().get_throttles()
        for throttle in filter(_is_early, throttles):
            throttle.allow_request(request, self)
        self.perform_authentication(request)
        for throttle in itertools.filterfalse(_is_early, throttles):
            throttle.allow_request(request, self)
        super().initial(request, *args, **kwargs)
        if hasattr(self, str(request.method).lower()):  # else it is a 405
            self._refuse_query(requests.get_django_request(request))

    def list_query_parameters(self) -> Sequence[str]:
        """Return the query parameters that the endpoint reads."""
        return ()

    def _refuse_query(self, request: HttpRequest) -> None:
        if request.method == "DELETE":
            requests.refuse_query(request)
        else:
            requests.refuse_unknown_parameters(request, self.list_query_parameters())

    def http_method_not_allowed(
        self, request: HttpRequest, *_args: Any, **_kwargs: Any
    ) -> NoReturn:
        """Raise MethodNotAllowed, worded as by the endpoints that are no DRF views."""
        method = str(request.method)
        raise MethodNotAllowed(method, f"{method} is not supported here.")

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Complete the response, and let go of the request and the view.

        DRF's requests, responses, views and serializers refer to themselves. A large body
        or answer would stay in memory until the garbage collector looks at it, which it
        rarely does.
        """
        final = super().finalize_response(request, response, *args, **kwargs)
        request.parser_context.clear()
        # DRF passes on what is no Response of its own, such as a file.
        add_callback = getattr(final, "add_post_render_callback", None)
        if add_callback is not None:
            add_callback(_forget_context)
        else:
            _forget_body(request)
        return final

    def get_throttles(self) -> list[BaseThrottle]:
        """Return none to DRF, which would count after the permissions: `initial` has."""
        return []


def _forget_context(response: Response) -> None:
    context: dict[str, Any] = vars(response)["renderer_context"]
    _forget_body(context["request"])
    # It holds the response, and as its handlers methods that are bound to itself.
    vars(context["view"]).clear()
    context.clear()


def _forget_body(request: Request) -> None:
    """Drop Django's request, whose body it is, and what was parsed out of it."""
    for name in ("_request", "_stream", "_data", "_full_data"):
        vars(request).pop(name, None)


def _is_early(throttle: BaseThrottle) -> bool:
    return getattr(throttle, "before_authentication", False) is True
