"""A request through a proxy that nobody named is noted in the log, once in a process."""

from collections.abc import Iterator

import pytest
import structlog
from django.test import RequestFactory
from pytest_django import Settings
from structlog.testing import capture_logs

from levered_site.api import requests
from optimizations.views import asgi_request

FORWARDED_FOR = "203.0.113.7"


@pytest.fixture(autouse=True)
def _fresh_process(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    settings.HTTPS, settings.TRUSTED_PROXIES = False, 0
    monkeypatch.setattr(requests, "log", structlog.get_logger())
    requests.warn_of_untrusted_proxy.cache_clear()
    yield
    requests.warn_of_untrusted_proxy.cache_clear()


def _send_through_django(forwarded_for: str = FORWARDED_FOR) -> None:
    headers = {"X-Forwarded-For": forwarded_for} if forwarded_for else {}
    request = RequestFactory().get("/", headers=headers)
    requests.get_client_ip(request)
    requests.get_client_network(request)


def _send_through_the_front() -> None:
    headers = {b"x-forwarded-for": FORWARDED_FOR.encode()}
    asgi_request.find_network({"client": ("127.0.0.1", 1)}, headers)


@pytest.mark.parametrize("send", [_send_through_django, _send_through_the_front])
def test_an_unnamed_proxy_is_logged_once_without_the_address(send: object) -> None:
    assert callable(send)
    with capture_logs() as entries:
        send()
        send()

    [entry] = entries
    assert (entry["event"], entry["log_level"]) == ("proxy.untrusted", "warning")
    assert "set TRUSTED_PROXIES to the number" in entry["hint"]
    assert FORWARDED_FOR not in str(entry)


def test_nothing_is_logged_without_the_header() -> None:
    with capture_logs() as entries:
        _send_through_django("")

    assert entries == []


@pytest.mark.parametrize(("proxies", "is_https"), [(1, False), (0, True)])
def test_nothing_is_logged_where_proxies_are_named_or_the_start_has_warned(
    settings: Settings, proxies: int, *, is_https: bool
) -> None:
    settings.TRUSTED_PROXIES, settings.HTTPS = proxies, is_https

    with capture_logs() as entries:
        _send_through_django()

    assert entries == []
