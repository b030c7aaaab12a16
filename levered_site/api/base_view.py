"""The base class of the DRF views: it counts requests before it authenticates them."""

import itertools
from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView


class BaseAPIView(APIView):
    """An APIView that runs its early throttles first and does not answer OPTIONS."""

    http_method_names = ["get", "post", "put", "patch", "delete", "head"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count by address, authenticate, count by caller, then check permissions."""
        throttles = super().get_throttles()
        for throttle in filter(_is_early, throttles):
            throttle.allow_request(request, self)
        self.perform_authentication(request)
        for throttle in itertools.filterfalse(_is_early, throttles):
            throttle.allow_request(request, self)
        super().initial(request, *args, **kwargs)

    def get_throttles(self) -> list[BaseThrottle]:
        """Return none to DRF, which would count after the permissions: `initial` has."""
        return []


def _is_early(throttle: BaseThrottle) -> bool:
    return getattr(throttle, "before_authentication", False) is True
