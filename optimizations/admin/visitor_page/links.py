"""Addresses of the tab Decisions, and its texts of contexts and shares."""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from levered_site.admin import html
from optimizations.models import Optimization

URL_NAME = "admin:optimizations_optimization_decisions"
VISITOR = "visitor"


def build_url(optimization: Optimization, query: Mapping[str, Any]) -> str:
    """Return the address of the tab with a query."""
    path = reverse(URL_NAME, args=[optimization.pk])
    sent = QueryDict(mutable=True)
    for name, value in query.items():
        sent[name] = str(value)
    return f"{path}?{sent.urlencode()}" if query else path


def build_visitor_url(optimization: Optimization, anonymous_id: str) -> str:
    """Return the address of one visitor."""
    return build_url(optimization, {VISITOR: anonymous_id})


def describe_context(context: Mapping[str, str]) -> str:
    """Return the levels of a context, as `device mobile, plan free`."""
    return ", ".join(f"{name} {level}" for name, level in context.items())


def format_share(share: float) -> str:
    """Return a probability as a percentage."""
    digits = 1 if share in (0.0, 1.0) or 0.001 <= share <= 0.999 else 3
    return f"{100 * share:.{digits}f}{html.NO_BREAK_SPACE}%"
