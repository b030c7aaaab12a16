"""System checks: an invalid setting is named, with a hint, and stops the start."""

from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from levered_site import checks
from levered_site.local import embedded


def test_the_settings_of_this_run_are_valid() -> None:
    assert run_checks(tags=[checks.TAG]) == []


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("RATELIMIT_GLOBAL", "100 per minute", "E001"),
        ("RATELIMIT_SERVE", "m/300", "E001"),
        ("TRUSTED_PROXIES", -1, "E002"),
        ("PORT", 70_000, "E002"),
        ("CLERK_JWKS_URL", "https://clerk.example/jwks", "E003"),
        ("CLERK_AUDIENCES", ["me"], "E003"),
        ("CREDENTIAL_KEYS", ["short"], "E004"),
        ("CREDENTIAL_KEYS", [embedded.generate_credential_key(), "ä"], "E004"),
        ("POLICY_SIGNING_KEYS", ["c2hvcnQ="], "E012"),
        ("POLICY_SIGNING_KEYS", [embedded.generate_signing_key(), "ä"], "E012"),
        ("CLERK_ISSUER", "clerk.example", "E006"),
        ("CLERK_PEM_KEY", "-----BEGIN nothing", "E007"),
        ("PUBLIC_URL", "levered.example", "E008"),
        ("CORS_ALLOWED_ORIGINS", ["*"], "E009"),
        ("SNOWFLAKE_ENDPOINT", "http://snowflake.example", "E013"),
        ("BIGQUERY_ENDPOINT", "bigquery.example", "E013"),
        ("SNAPSHOT_MEMORY_BYTES", 221 * 10**6, "E014"),
    ],
)
def test_an_invalid_setting_is_named_with_a_hint(
    settings: Settings, name: str, value: Any, number: str
) -> None:
    setattr(settings, name, value)

    errors = [error for error in run_checks(tags=[checks.TAG]) if name in error.msg]

    assert [error.id for error in errors if str(error.id).endswith(number)] != []
    assert all(error.hint for error in errors)
    with pytest.raises(ImproperlyConfigured, match=name):
        checks.require_valid_settings()


def test_snapshots_that_fit_beside_what_a_process_starts_with_are_accepted(
    settings: Settings,
) -> None:
    settings.WORKER_MEMORY_BYTES = 250 * 10**6
    settings.SNAPSHOT_MEMORY_BYTES = 120 * 10**6

    assert run_checks(tags=[checks.TAG]) == []


def test_debug_with_clerk_is_an_error(
    settings: Settings,
) -> None:
    settings.DEBUG = True
    settings.CLERK_ISSUER = "https://clerk.example"

    assert [error.id for error in run_checks(tags=[checks.TAG])] == ["levered.E005"]


def test_https_without_a_trusted_proxy_is_warned_about(settings: Settings) -> None:
    settings.HTTPS = True

    (warning,) = run_checks(tags=[checks.TAG])

    assert (warning.id, warning.is_serious()) == ("levered.W001", False)
    assert "TRUSTED_PROXIES" in str(warning.hint)
    settings.TRUSTED_PROXIES = 1
    assert run_checks(tags=[checks.TAG]) == []
