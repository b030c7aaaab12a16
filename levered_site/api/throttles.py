"""Throttles of DRF views, and counting by client address."""

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from levered_site.api import credentials, rate_limits, requests


def count_by_address(request: HttpRequest) -> None:
    """Count a request, once, by its client's network. Raises RateLimitedError."""
    if rate_limits.was_counted(request):
        return
    network = requests.get_client_network(request)
    rate_limits.count_request(request, "api", settings.RATELIMIT_GLOBAL, network)


def count_unknown_key(request: HttpRequest) -> None:
    """Count, by its client's network, a request with a wrong key.

    Apart from `count_by_address`: whoever sends tokens too often may still begin to use
    a key. Raises RateLimitedError.
    """
    network = requests.get_client_network(request)
    rate_limits.count_request(
        request, "unknown_key", settings.RATELIMIT_GLOBAL, network
    )


class IpThrottle(BaseThrottle):
    """Count every management request without an API key by its client's network.

    It counts before authentication, so that guessing tokens is limited too. Requests with
    a key are counted by `KeyThrottle`, those with a wrong one by authentication.
    """

    before_authentication = True

    def allow_request(self, request: Request, _view: object) -> bool:
        """Return True; raise RateLimitedError over the limit."""
        django_request = requests.get_django_request(request)
        if credentials.read_key_of_caller(django_request) is None:
            count_by_address(django_request)
        return True


class KeyThrottle(BaseThrottle):
    """Count requests by API key, whatever address they come from.

    A subclass names another group and setting.
    """

    group = "api"
    rate_setting = "RATELIMIT_GLOBAL"

    def allow_request(self, request: Request, _view: object) -> bool:
        """Return True; raise RateLimitedError over the limit."""
        key_id = getattr(request.user, "key_id", None)
        if isinstance(key_id, str):
            rate_limits.count_request(
                requests.get_django_request(request),
                self.group,
                getattr(settings, self.rate_setting),
                key_id,
            )
        return True
