"""Publishable keys, and events as a page sends them."""

from typing import Any

from django.http import HttpResponse

from levered_site.organizations.models import Organization
from optimizations.models import Optimization
from tests.support import factories

PURCHASE = {"name": "purchase", "min": 1, "max": 1}
REVENUE = {"name": "revenue", "min": -10, "max": 500}
PAGE = factories.Api()


def make_publishable_key(organization: Organization, **fields: Any) -> str:
    """Make a key for the rewards purchase (1) and revenue (-10 to 500)."""
    fields.setdefault("rewards", (PURCHASE, REVENUE))
    return factories.make_api_key(organization, "shop page", ("track",), **fields)


def track(key: str | None, *events: Any, **body: Any) -> HttpResponse:
    """Send events of one user; `headers` are headers, the rest replaces the body's."""
    headers = body.pop("headers", {})
    document = {"key": key, "anonymous_id": "ann", "events": list(events), **body}
    return PAGE.request("POST", "/track", document, headers)


def build_reward(name: str = "purchase", **fields: Any) -> dict[str, Any]:
    """Build a reward."""
    return {"type": "reward", "name": name, **fields}


def build_exposure(optimization: Optimization, **fields: Any) -> dict[str, Any]:
    """Build an exposure to variant 2."""
    return {
        "type": "exposure",
        "optimization_id": str(optimization.pk),
        "variant_number": 2,
        "policy_version": 0,
        **fields,
    }
