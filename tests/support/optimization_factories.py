"""Optimizations and metrics for tests, created through the use cases."""

import itertools
from collections.abc import Mapping
from typing import Any

from levered_site.level_texts import format_level
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import Organization
from metrics.models import Metric
from optimizations.configuration import lifecycle, validation
from optimizations.models import Optimization
from tests.support import factories

_numbers = itertools.count(1)

BOTH = (False, True)

SQL = (
    "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards WHERE name = 'purchase'"
)


def make_organization() -> Organization:
    """Make an organization with an unused id."""
    return factories.make_organization()


def make_metric(organization: Organization, **overrides: Any) -> Metric:
    """Make a metric of type bool, without validation."""
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
    """Build a factor as a request has it, with plain levels."""
    return {
        "name": name,
        "dtype": validation.find_dtype(values[:1]),
        "levels": list(values),
    }


def make_config(**overrides: Any) -> dict[str, Any]:
    """Build a config as a request has it: a 2 x 2 design with one context factor."""
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
    """Build the body of a request that creates an optimization."""
    fields = {"name": "Landing page", "training_data_config": make_config()}
    return fields | overrides


def make_optimization(organization: Organization, **overrides: Any) -> Optimization:
    """Create an optimization; by default live, with a metric.

    `overrides` are fields of the create body. Without a transaction around it (tests
    with `transaction=True`) it is published and can be served.
    """
    fields: dict[str, Any] = dict(overrides)
    if "reward_metric_id" not in fields and fields.get("status") != "draft":
        fields["reward_metric_id"] = make_metric(organization).pk
    fields.setdefault("training_data_config", make_config())
    fields["training_data_config"] = complete_config(fields["training_data_config"])
    fields.setdefault("name", "Landing page")
    return lifecycle.create_optimization(organization.pk, SYSTEM_ACTOR, fields)


def make_live_optimization(**overrides: Any) -> Optimization:
    """Make a live optimization in an organization of its own."""
    return make_optimization(make_organization(), **overrides)


def complete_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request's config in the form that the serializer gives it."""
    attribution = {
        "type": "last_touch",
        "conversion_window_hours": 24,
        **config.get("attribution", {}),
    }
    attribution.setdefault("horizon_hours", attribution["conversion_window_hours"])
    return {
        "reward": dict(config["reward"]),
        "design_factors": [_add_ids(factor) for factor in config["design_factors"]],
        "context_factors": [
            _add_ids(factor) for factor in config.get("context_factors", [])
        ],
        "attribution": attribution,
    }


def _add_ids(factor: Mapping[str, Any]) -> dict[str, Any]:
    levels = [
        level
        if isinstance(level, dict)
        else {"id": format_level(level), "value": level}
        for level in factor["levels"]
    ]
    return {**factor, "levels": levels}
