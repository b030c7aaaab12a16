"""Which requests are counted, and by what."""

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from levered_site.api import rate_limits, requests


def count_by_address(request: HttpRequest) -> None:
    """Count a request, once, by the address it came from. Raises RateLimitedError."""
    if rate_limits.was_counted(request):
        return
    sender = requests.get_client_network(request)
    rate_limits.count_request(request, "api", settings.RATELIMIT_GLOBAL, sender)


class IpThrottle(BaseThrottle):
    """Every management request, by the address it came from.

    It counts before anybody is asked for a token, so that guessing is limited too.
    """

    before_authentication = True

    def allow_request(self, request: Request, _view: object) -> bool:
        """Count; over the limit it raises RateLimitedError itself."""
        count_by_address(request._request)  # noqa: SLF001 - DRF offers no other way
        return True
