"""The base class of the DRF views: it counts requests before it authenticates them.

It also offers the rows of an answer as CSV, where a view says what they are.
"""

import itertools
from collections.abc import Sequence
from typing import Any, NoReturn

from django.http import HttpRequest
from django.utils.cache import patch_vary_headers
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from levered_site.api import requests
from levered_site.api.csv_renderer import CsvRenderer
from levered_site.api.csv_sections import CsvSection
from levered_site.errors import InvalidParametersError

SECTION_PARAMETER = "section"


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
            self._choose_section(request)

    def list_query_parameters(self) -> Sequence[str]:
        """Return the query parameters that the endpoint reads by itself."""
        return ()

    def list_known_parameters(self) -> Sequence[str]:
        """Return these, and `section` where there are several sections of CSV."""
        has_several = len(self.list_csv_sections()) > 1
        own = self.list_query_parameters()
        return (*own, SECTION_PARAMETER) if has_several else own

    def list_csv_sections(self) -> Sequence[CsvSection]:
        """Return what may be taken away as CSV, first what is by default; maybe nothing."""
        return ()

    def get_csv_section(self, request: Request) -> CsvSection | None:
        """Return the section that the answer will have as CSV; None for JSON."""
        renderer = getattr(request, "accepted_renderer", None)
        return renderer.section if isinstance(renderer, CsvRenderer) else None

    def get_renderers(self) -> list[BaseRenderer]:
        """Return the renderer of JSON, and that of CSV where there are rows."""
        sections = self.list_csv_sections()
        return [
            *super().get_renderers(),
            *([CsvRenderer(sections)] if sections else []),
        ]

    def _choose_section(self, request: Request) -> None:
        """Read `section`, which chooses among the sections of CSV.

        Raises:
            InvalidParametersError: there is no such section, or the answer is JSON.
        """
        name = request.query_params.get(SECTION_PARAMETER)
        if name is None or SECTION_PARAMETER in self.list_query_parameters():
            return
        renderer = getattr(request, "accepted_renderer", None)
        if not isinstance(renderer, CsvRenderer):
            message = "is for `Accept: text/csv`; without it the answer has everything"
            raise InvalidParametersError.for_field(SECTION_PARAMETER, message)
        sections = {section.name: section for section in renderer.sections}
        if name not in sections:
            message = f"must be one of {', '.join(sections)}"
            raise InvalidParametersError.for_field(SECTION_PARAMETER, message)
        renderer.section = sections[name]

    def _refuse_query(self, request: HttpRequest) -> None:
        if request.method == "DELETE":
            requests.refuse_query(request)
        else:
            requests.refuse_unknown_parameters(request, self.list_known_parameters())

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
        if response.status_code >= 400 and self.get_csv_section(request):
            request.accepted_renderer, *_ = self.get_renderers()
            request.accepted_media_type = str(request.accepted_renderer.media_type)
        final = super().finalize_response(request, response, *args, **kwargs)
        if self.list_csv_sections():
            patch_vary_headers(final, ["Accept"])
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
