"""Protection of the admin: the Content-Security-Policy and the login limit."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from levered_site.organizations.models import AuditEntry
from tests.support import staff_world

pytestmark = pytest.mark.django_db

LOGIN = "admin:login"
WRONG_PASSWORD = ""  # rejected without hashing, but counted


def attempt_login(
    client: Client, password: str = WRONG_PASSWORD, **headers: str
) -> int:
    """Try to log in; return the status of the response."""
    form = {"username": "root", "password": password}
    return client.post(reverse(LOGIN), form, headers=headers or None).status_code


def test_only_admin_pages_have_the_policy(client: Client) -> None:
    """It allows no inline scripts and no other hosts."""
    page = client.get(reverse(LOGIN))
    health = client.get("/healthz")

    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval';" in policy
    assert "default-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "Content-Security-Policy" not in health.headers


def test_the_url_without_its_final_slash_redirects(client: Client) -> None:
    answer = client.get("/admin")

    assert answer.headers["Location"] == reverse("admin:index")


def test_attempts_beyond_the_limit_are_refused(
    client: Client, settings: Settings
) -> None:
    """The right password is refused, too, and Retry-After says for how long."""
    settings.ADMIN_LOGINS = "3/d"
    staff_world.make_superuser(password=staff_world.PASSWORD)

    statuses = [attempt_login(client) for _ in range(3)]
    refused = client.post(
        reverse(LOGIN), {"username": "root", "password": staff_world.PASSWORD}
    )

    assert statuses == [200, 200, 200]
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 86_400
    assert "too many attempts" in refused.content.decode()
    assert "Content-Security-Policy" in refused.headers
    assert "_auth_user_id" not in client.session


def test_opening_the_login_page_is_not_an_attempt(
    client: Client, settings: Settings
) -> None:
    """The right password within the limit logs in."""
    settings.ADMIN_LOGINS = "1/d"
    staff_world.make_superuser(password=staff_world.PASSWORD)

    for _ in range(5):
        assert client.get(reverse(LOGIN)).status_code == 200
    status = attempt_login(client, staff_world.PASSWORD)

    assert status == 302
    assert client.session["_auth_user_id"]


def test_clients_behind_a_trusted_proxy_count_separately(
    client: Client, settings: Settings
) -> None:
    """The address that the proxy saw counts, not an entry that the client sent."""
    settings.ADMIN_LOGINS, settings.TRUSTED_PROXIES = "1/d", 1

    first = attempt_login(client, **{"X-Forwarded-For": "198.51.100.1"})
    spoofed = attempt_login(client, **{"X-Forwarded-For": "203.0.113.9, 198.51.100.1"})
    other = attempt_login(client, **{"X-Forwarded-For": "198.51.100.2"})

    assert (first, spoofed, other) == (200, 429, 200)


def test_a_limit_of_0_limits_nothing(client: Client, settings: Settings) -> None:
    settings.ADMIN_LOGINS = "0"

    assert {attempt_login(client) for _ in range(15)} == {200}


def read_login_count(outcome: str) -> float:
    """Return the exported count of attempts."""
    text = Client().get("/metrics").content.decode()
    pattern = rf'^levered_staff_logins_total{{outcome="{outcome}"}} (\S+)$'
    match = re.search(pattern, text, re.MULTILINE)
    assert match is not None
    return float(match[1])


@pytest.mark.parametrize(
    ("username", "is_known"), [("root", True), ("clerk", True), ("hunter2", False)]
)
def test_a_failed_login_leaves_an_audit_entry_and_is_counted(
    client: Client, username: str, is_known: bool
) -> None:
    """An unknown name is not kept: it may be a password in the wrong field."""
    staff_world.make_superuser(password=staff_world.PASSWORD)
    User.objects.create_user("clerk", password=staff_world.PASSWORD)  # no staff
    failed = read_login_count("failed")
    password = staff_world.PASSWORD if username == "clerk" else "wrong"

    client.post(reverse(LOGIN), {"username": username, "password": password})

    entry = AuditEntry.objects.get()
    assert (entry.action, entry.organization) == ("staff.login_failed", None)
    assert (entry.actor_kind, entry.actor_id) == ("public", "127.0.0.1")
    assert entry.target_name == (username if is_known else "")
    assert entry.changes == {"is_known_user": is_known}
    assert entry.request_id
    assert read_login_count("failed") == failed + 1


def test_a_login_within_and_one_over_the_limit_are_counted(
    client: Client, settings: Settings
) -> None:
    """They leave no audit entry."""
    settings.ADMIN_LOGINS = "1/d"
    staff_world.make_superuser(password=staff_world.PASSWORD)
    before = [read_login_count(outcome) for outcome in ("succeeded", "limited")]

    statuses = [attempt_login(client, staff_world.PASSWORD) for _ in range(2)]

    after = [read_login_count(outcome) for outcome in ("succeeded", "limited")]
    assert statuses == [302, 429]
    assert after == [count + 1 for count in before]
    assert not AuditEntry.objects.exists()


def test_the_audit_log_shows_failed_logins(client: Client) -> None:
    attempt_login(client, "wrong")
    client.force_login(staff_world.make_superuser())

    listing = client.get(reverse("admin:organizations_auditentry_changelist"))
    entry = AuditEntry.objects.get()
    path = reverse("admin:organizations_auditentry_change", args=[entry.pk])
    page = client.get(path)

    assert "staff.login_failed" in listing.content.decode()
    assert page.status_code == 200
