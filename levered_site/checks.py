"""System checks of the settings. An invalid setting stops the start of the service."""

import base64
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import (
    CheckMessage,
    Error,
    Warning as CheckWarning,
    register,
    run_checks,
)
from django.core.exceptions import ImproperlyConfigured

from levered_site.api import rate_limits

TAG = "levered"

WEB_PROCESS_START_BYTES = 130 * 10**6  # docs/limits.md

_RATE_SETTINGS = (
    "RATELIMIT_GLOBAL",
    "RATELIMIT_SERVE",
    "RATELIMIT_SERVE_KEY",
    "RATELIMIT_INGEST",
    "RATELIMIT_TRACK",
    "RATELIMIT_SHARED",
    "ADMIN_LOGINS",
)
_ALLOWED_RANGES = {
    "PORT": (1, 65535),
    "TRUSTED_PROXIES": (0, 10),
    "NEW_USERS_PER_MINUTE": (0, 10**9),
    "WEB_CONNECTIONS": (16, 60_000),
    "WEB_CONNECTIONS_PER_ADDRESS": (1, 60_000),
    "WEB_BODY_BYTES": (24 * 2**20, 2**40),  # a quarter holds the largest body
    "WEB_REQUEST_SECONDS": (1, 300),
    "WEB_KEEP_ALIVE_SECONDS": (1, 3600),
    "WEB_WRITE_SECONDS": (1, 3600),
    "WORKER_MEMORY_BYTES": (250 * 10**6, 2**40),
    "WAITING_REQUESTS": (1, 28),  # of a worker's 32 threads; the rest serve
    "SNAPSHOT_MEMORY_BYTES": (2**20, 2**40),
    "MAX_OPTIMIZATIONS": (1, 10**9),
    "MAX_METRICS": (1, 10**9),
    "MAX_ASSIGNMENT_SOURCES": (1, 10**9),
    "MAX_API_KEYS": (1, 10**9),
    "EVENT_BYTES_PER_DAY": (0, 2**50),
    "SCREENSHOT_BYTES": (5 * 2**20, 2**40),
    "TRAIN_WAIT_SECONDS": (0, 25),
    "QUERY_TIMEOUT_SECONDS": (1, 30),
    "QUERY_CHECK_SECONDS": (0.1, 30),
    "QUERY_CHECK_PROCESSES": (1, 16),
    "QUERY_PROCESS_BYTES": (256 * 2**20, 2**36),
    "QUERY_MEMORY_MB": (1, 1024),
    "QUERY_DISK_MB": (1, 2**20),
    "CUBE_ANSWER_BYTES": (10**6, 10**10),
    "CUBE_DISK_MB": (1, 2**20),
    "WAREHOUSE_CONNECT_SECONDS": (1, 60),
    "WAREHOUSE_REQUEST_SECONDS": (1, 600),
    "REFRESH_SECONDS": (1, 5000),
    "QUERY_PLAN_COST": (1000, 1e15),
    "CUBE_TIMEOUT_SECONDS": (1, 5000),  # a Celery task is killed after 5,400
    "TRAINING_SLOTS_PER_ORGANIZATION": (1, 1000),
    "RETENTION_DAYS": (91, 3650),  # the longest conversion window is 90 days
    "POLICY_FIGURE_DAYS": (1, 3650),
    "LATE_ARRIVAL_HOURS": (0, 2160),
    "CLERK_LEEWAY_SECONDS": (0, 300),
}
_CLERK_SETTINGS = (
    "CLERK_JWKS_URL",
    "CLERK_PEM_KEY",
    "CLERK_AUTHORIZED_PARTIES",
    "CLERK_AUDIENCES",
)


@register(TAG)
def check_settings(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    """Check every setting that has a rule, without any network access."""
    del app_configs
    return [
        *_check_rates(),
        *_check_ranges(),
        *_check_memory(),
        *_check_clerk(),
        *_check_keys(),
        *_check_addresses(),
        *_check_warehouse_endpoints(),
        *_check_proxies(),
    ]


def require_valid_settings() -> None:
    """Raise ImproperlyConfigured, with every error and its hint, if a check fails.

    A web process calls this when it starts.
    """
    errors = [error for error in run_checks(tags=[TAG]) if error.is_serious()]
    if errors:
        raise ImproperlyConfigured("\n".join(map(str, errors)))


def _check_proxies() -> Iterator[CheckMessage]:
    """Warn where TLS ends in front of the service and nobody said so."""
    if settings.HTTPS and settings.TRUSTED_PROXIES == 0:
        yield CheckWarning(
            "PUBLIC_URL is https, so a proxy is in front of the service, but "
            "TRUSTED_PROXIES is 0: all clients share the limits of the proxy's address.",
            hint="Set TRUSTED_PROXIES to the number of proxies that you run.",
            id="levered.W001",
        )


def _check_rates() -> Iterator[CheckMessage]:
    for name in _RATE_SETTINGS:
        value = getattr(settings, name)
        try:
            rate_limits.parse_rate(value)
        except ValueError:
            yield Error(
                f"{name} is {value!r}, which is not a rate.",
                hint="Write a count and a period such as 100/m (s, m, h, d), or 0.",
                id="levered.E001",
            )


def _check_ranges() -> Iterator[CheckMessage]:
    for name, (low, high) in _ALLOWED_RANGES.items():
        value = getattr(settings, name)
        if not low <= value <= high:
            yield Error(
                f"{name} is {value}.",
                hint=f"Choose a number from {low} to {high}.",
                id="levered.E002",
            )


def _check_memory() -> Iterator[CheckMessage]:
    """Report snapshots that would let every web process outgrow its limit by themselves."""
    needed = WEB_PROCESS_START_BYTES + settings.SNAPSHOT_MEMORY_BYTES
    if needed > settings.WORKER_MEMORY_BYTES:
        yield Error(
            f"SNAPSHOT_MEMORY_BYTES is {settings.SNAPSHOT_MEMORY_BYTES:,}. With the "
            f"{WEB_PROCESS_START_BYTES:,} that a web process starts with, that is more "
            f"than WORKER_MEMORY_BYTES ({settings.WORKER_MEMORY_BYTES:,}): each process "
            "would be replaced as soon as its snapshots are loaded, again and again.",
            hint=f"Set WORKER_MEMORY_BYTES to {needed:,} at least, better 100 MB more, or "
            "SNAPSHOT_MEMORY_BYTES lower.",
            id="levered.E014",
        )


def _check_clerk() -> Iterator[CheckMessage]:
    names = [name for name in _CLERK_SETTINGS if getattr(settings, name)]
    if names and not settings.CLERK_ISSUER:
        yield Error(
            f"{', '.join(names)} is set, but CLERK_ISSUER is not.",
            hint="Set CLERK_ISSUER to the `iss` of the tokens, or unset the others: "
            "without CLERK_ISSUER the service trusts only its local issuer.",
            id="levered.E003",
        )
    if settings.CLERK_ISSUER and settings.DEBUG:
        yield Error(
            "DEBUG is on while the service accepts Clerk's tokens.",
            hint="Unset DEBUG: its error pages show settings to any visitor.",
            id="levered.E005",
        )
    for name in ("CLERK_ISSUER", "CLERK_JWKS_URL"):
        value = getattr(settings, name)
        if value and not _is_url(value, "https"):
            yield Error(
                f"{name} is {value!r}.",
                hint="Set a full https:// URL: the service fetches keys from it.",
                id="levered.E006",
            )


def _check_keys() -> Iterator[CheckMessage]:
    for position, key in enumerate(settings.CREDENTIAL_KEYS):
        try:
            Fernet(key)
        except ValueError:
            yield Error(
                f"CREDENTIAL_KEYS[{position}] is not a Fernet key.",
                hint="Generate one: python -c 'from cryptography.fernet import Fernet; "
                "print(Fernet.generate_key().decode())'",
                id="levered.E004",
            )
    for position, key in enumerate(settings.POLICY_SIGNING_KEYS):
        try:
            Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(key))
        except ValueError:
            yield Error(
                f"POLICY_SIGNING_KEYS[{position}] is not an Ed25519 private key.",
                hint="Set 32 random bytes in URL-safe base64: python -c 'import base64, "
                "os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'",
                id="levered.E012",
            )
    if settings.CLERK_PEM_KEY:
        try:
            load_pem_public_key(settings.CLERK_PEM_KEY.encode())
        except ValueError:
            yield Error(
                "CLERK_PEM_KEY is not a public key.",
                hint="Set the whole PEM, from BEGIN PUBLIC KEY to END PUBLIC KEY; "
                r"line breaks may be written as \n.",
                id="levered.E007",
            )


def _check_addresses() -> Iterator[CheckMessage]:
    for origin in (settings.PUBLIC_URL, *settings.CSRF_TRUSTED_ORIGINS):
        if not _is_url(origin, "http", "https"):
            yield Error(
                f"{origin!r} in PUBLIC_URL or CSRF_TRUSTED_ORIGINS is not a URL.",
                hint="Write scheme and host, such as https://levered.example.",
                id="levered.E008",
            )
    if "*" in settings.CORS_ALLOWED_ORIGINS:
        yield Error(
            "CORS_ALLOWED_ORIGINS contains '*'.",
            hint="List the origins. The serve endpoints answer every origin anyway.",
            id="levered.E009",
        )


def _check_warehouse_endpoints() -> Iterator[CheckMessage]:
    """Refuse an address that customers' passwords would go to in plain text."""
    schemes = ("https", "http") if settings.WAREHOUSE_ALLOW_PRIVATE else ("https",)
    for name in ("SNOWFLAKE_ENDPOINT", "BIGQUERY_ENDPOINT"):
        value = getattr(settings, name)
        if value and not _is_url(value, *schemes):
            yield Error(
                f"{name} is {value!r}.",
                hint="Write an address such as https://warehouse.example. Only with "
                "WAREHOUSE_ALLOW_PRIVATE may it begin with http://.",
                id="levered.E013",
            )


def _is_url(text: str, *schemes: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in schemes and bool(parts.hostname)
