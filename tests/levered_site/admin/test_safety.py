"""What protects the staff pages: the content policy and the limit on log-ins."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tests.support import staff_world

pytestmark = pytest.mark.django_db

LOGIN = "admin:login"
WRONG = ""  # refused before anything is hashed, and counted all the same


def attempt(client: Client, password: str = WRONG, **headers: str) -> int:
    """Try to log in; return the status of the answer."""
    form = {"username": "root", "password": password}
    return client.post(reverse(LOGIN), form, headers=headers or None).status_code


def test_the_policy_is_on_staff_pages_alone(client: Client) -> None:
    """No inline script, nothing from elsewhere; the API has no use for it."""
    page = client.get(reverse(LOGIN))
    health = client.get("/healthz")

    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval';" in policy
    assert "default-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "Content-Security-Policy" not in health.headers


def test_the_address_is_found_as_people_type_it(client: Client) -> None:
    """Without the slash at its end."""
    answer = client.get("/admin")

    assert answer.headers["Location"] == reverse("admin:index")


def test_attempts_beyond_the_limit_are_refused(
    client: Client, settings: Settings
) -> None:
    """The right password does not help then, and the page says when it will."""
    settings.ADMIN_LOGINS = "3/m"
    staff_world.make_superuser(password=staff_world.PASSWORD)

    statuses = [attempt(client) for _ in range(3)]
    refused = client.post(
        reverse(LOGIN), {"username": "root", "password": staff_world.PASSWORD}
    )

    assert statuses == [200, 200, 200]
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "too many attempts" in refused.content.decode()
    assert "Content-Security-Policy" in refused.headers
    assert "_auth_user_id" not in client.session


def test_looking_at_the_log_in_page_is_no_attempt(
    client: Client, settings: Settings
) -> None:
    """And the right password within the limit opens."""
    settings.ADMIN_LOGINS = "1/m"
    staff_world.make_superuser(password=staff_world.PASSWORD)

    for _ in range(5):
        assert client.get(reverse(LOGIN)).status_code == 200
    status = attempt(client, staff_world.PASSWORD)

    assert status == 302
    assert client.session["_auth_user_id"]


def test_senders_are_told_apart_behind_our_proxy(
    client: Client, settings: Settings
) -> None:
    """What the proxy saw counts; what the client claims before it does not."""
    settings.ADMIN_LOGINS, settings.TRUSTED_PROXIES = "1/m", 1

    first = attempt(client, **{"X-Forwarded-For": "198.51.100.1"})
    claimed = attempt(client, **{"X-Forwarded-For": "203.0.113.9, 198.51.100.1"})
    other = attempt(client, **{"X-Forwarded-For": "198.51.100.2"})

    assert (first, claimed, other) == (200, 429, 200)


def test_a_limit_of_zero_is_none(client: Client, settings: Settings) -> None:
    """As for the other limits."""
    settings.ADMIN_LOGINS = "0"

    assert {attempt(client) for _ in range(15)} == {200}
