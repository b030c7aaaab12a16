"""The base class of the DRF views: it counts requests before it authenticates them."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView


class BaseAPIView(APIView):
    """An APIView that runs its early throttles first and does not answer OPTIONS."""

    http_method_names = ["get", "post", "put", "patch", "delete", "head"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count by address, then authenticate, then count by caller."""
        for throttle in super().get_throttles():
            if getattr(throttle, "before_authentication", False):
                throttle.allow_request(request, self)
        super().initial(request, *args, **kwargs)

    def get_throttles(self) -> list[BaseThrottle]:
        """Return the throttles that need the caller; DRF runs them later."""
        return [
            throttle
            for throttle in super().get_throttles()
            if not getattr(throttle, "before_authentication", False)
        ]
