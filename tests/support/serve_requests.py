"""Serve requests, sent as a web page sends them."""

from typing import Any

from django.http import HttpResponse

from optimizations.models import Optimization
from tests.support import factories

PUBLIC = factories.Api()


def serve_user(
    optimization: Optimization, user: str = "u1", **body: Any
) -> HttpResponse:
    """Serve a user; `headers` are headers, the rest are fields of the body."""
    headers = body.pop("headers", {})
    return PUBLIC.post(
        f"/optimizations/{optimization.pk}/serve",
        {"anonymous_id": user, **body},
        **headers,
    )
