"""Throttles of DRF views, and counting by client address."""

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from levered_site.api import rate_limits, requests


def count_by_address(request: HttpRequest) -> None:
    """Count a request, once, by its client's network. Raises RateLimitedError."""
    if rate_limits.was_counted(request):
        return
    network = requests.get_client_network(request)
    rate_limits.count_request(request, "api", settings.RATELIMIT_GLOBAL, network)


class IpThrottle(BaseThrottle):
    """Count every management request by its client's network.

    It counts before authentication, so that guessing tokens is limited too.
    """

    before_authentication = True

    def allow_request(self, request: Request, _view: object) -> bool:
        """Return True; raise RateLimitedError over the limit."""
        count_by_address(requests.get_django_request(request))
        return True
