"""The base of DRF views here: counted before anybody is asked for a token."""

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView


class BaseAPIView(APIView):
    """An APIView whose early throttles run first, and that has no OPTIONS of its own."""

    http_method_names = ["get", "post", "put", "patch", "delete", "head"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Count by address, then ask who it is, then count by who it is."""
        for throttle in super().get_throttles():
            if getattr(throttle, "before_authentication", False):
                throttle.allow_request(request, self)
        super().initial(request, *args, **kwargs)

    def get_throttles(self) -> Sequence[BaseThrottle]:  # type: ignore[override]  # DRF iterates it
        """Leave to DRF those that need to know the caller."""
        return [
            throttle
            for throttle in super().get_throttles()
            if not getattr(throttle, "before_authentication", False)
        ]
