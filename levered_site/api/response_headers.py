"""The security headers that Django's middleware adds, for answers it does not see."""

import functools

from django.conf import settings

from levered_site.api.cors import Headers


def build_security_headers(*, is_secure: bool = False) -> Headers:
    """Return the headers of SecurityMiddleware and XFrameOptionsMiddleware.

    `is_secure` is whether the client uses HTTPS; only then is
    Strict-Transport-Security among them.
    """
    return _build_headers(
        ("X-Frame-Options", settings.X_FRAME_OPTIONS.upper()),
        ("X-Content-Type-Options", settings.SECURE_CONTENT_TYPE_NOSNIFF and "nosniff"),
        ("Referrer-Policy", settings.SECURE_REFERRER_POLICY),
        ("Cross-Origin-Opener-Policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY),
        ("Strict-Transport-Security", is_secure and _build_transport_policy()),
    )


def _build_transport_policy() -> str | None:
    seconds = settings.SECURE_HSTS_SECONDS
    return f"max-age={seconds}" if seconds else None


@functools.lru_cache(maxsize=8)
def _build_headers(*headers: tuple[str, str | bool | None]) -> Headers:
    """Keep the headers that the settings give a value."""
    return tuple((name, str(value)) for name, value in headers if value)
