"""Which requests are counted, and by what."""

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from levered_site.api import ratelimits, requests


class IpThrottle(BaseThrottle):
    """Every management request, by the address it came from.

    It counts before anybody is asked for a token, so that guessing is limited too.
    """

    before_authentication = True

    def allow_request(self, request: Request, _view: object) -> bool:
        """Count; over the limit it raises RateLimitedError itself."""
        sender = requests.client_network(request._request)  # noqa: SLF001 - DRF offers no other way
        rate = settings.RATELIMIT_GLOBAL
        ratelimits.check(request._request, "api", rate, sender)  # noqa: SLF001
        return True
