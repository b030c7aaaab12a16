"""Optimizations to begin with, made by the deeds themselves."""

import itertools
from collections.abc import Mapping
from typing import Any

from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import Organization
from metrics.models import Metric
from optimizations.configuration import lifecycle
from optimizations.models import Optimization
from tests.support import factories

_numbers = itertools.count(1)

BOTH = (False, True)

SQL = (
    "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards WHERE name = 'purchase'"
)


def make_organization() -> Organization:
    """Make an organization with an id of its own."""
    return factories.make_organization()


def make_metric(organization: Organization, **overrides: Any) -> Metric:
    """Make a metric of kind bool, as the database holds it."""
    fields: dict[str, Any] = {
        "name": f"purchases {next(_numbers)}",
        "sql": SQL,
        "column_mapping": {
            "anonymous_id": "anonymous_id",
            "timestamp": "timestamp_utc",
            "reward_type": "bool",
        },
    }
    return Metric.objects.create(organization=organization, **(fields | overrides))


def make_factor(name: str, *values: Any) -> dict[str, Any]:
    """Describe a factor as a request would, levels plain."""
    dtype = "bool" if isinstance(values[0], bool) else "str"
    return {"name": name, "dtype": dtype, "levels": list(values)}


def make_config(**overrides: Any) -> dict[str, Any]:
    """Describe a 2 x 2 design with one context factor, as a request would."""
    fields: dict[str, Any] = {
        "reward": {"name": "purchase", "type": "bool"},
        "design_factors": [
            make_factor("headline", "A", "B"),
            make_factor("cta", *BOTH),
        ],
        "context_factors": [make_factor("device", "mobile", "desktop")],
    }
    return fields | overrides


def make_body(**overrides: Any) -> dict[str, Any]:
    """Write the body of a creation."""
    fields = {"name": "Landing page", "training_data_config": make_config()}
    return fields | overrides


def make_optimization(organization: Organization, **overrides: Any) -> Optimization:
    """Make an optimization by the deed; live, with a metric, unless told otherwise.

    `overrides` are fields of the create body. Without a transaction around it (tests
    with `transaction=True`) it is published and can be served.
    """
    given: dict[str, Any] = dict(overrides)
    if "reward_metric_id" not in given and given.get("status") != "draft":
        given["reward_metric_id"] = make_metric(organization).pk
    given.setdefault("training_data_config", make_config())
    given["training_data_config"] = complete_config(given["training_data_config"])
    given.setdefault("name", "Landing page")
    return lifecycle.create_optimization(organization.pk, SYSTEM_ACTOR, given)


def make_live_optimization(**overrides: Any) -> Optimization:
    """Make a live one of an organization of its own."""
    return make_optimization(make_organization(), **overrides)


def complete_config(described: Mapping[str, Any]) -> dict[str, Any]:
    """Put a requested config into the shape that validation gives it."""
    window = {
        "type": "last_touch",
        "conversion_window_hours": 24,
        **described.get("attribution", {}),
    }
    window.setdefault("horizon_hours", window["conversion_window_hours"])
    return {
        "reward": dict(described["reward"]),
        "design_factors": [_add_ids(one) for one in described["design_factors"]],
        "context_factors": [
            _add_ids(one) for one in described.get("context_factors", [])
        ],
        "attribution": window,
    }


def _add_ids(described: Mapping[str, Any]) -> dict[str, Any]:
    levels = [
        level
        if isinstance(level, dict)
        else {
            "id": str(level).lower() if level in {True, False} else level,
            "value": level,
        }
        for level in described["levels"]
    ]
    return {**described, "levels": levels}
