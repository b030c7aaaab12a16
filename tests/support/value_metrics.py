"""Metrics of rewards with a value: amounts, and weighted outcomes."""

from typing import Any

from levered_site.organizations.models import Organization
from metrics.models import Metric
from tests.support import optimization_factories

REWARDS = "SELECT anonymous_id, timestamp_utc, name, value FROM managed_dw.rewards"
OUTCOMES = [
    {"key": "basic", "weight": 1.0, "match": {"by": "name", "value": "basic"}},
    {"key": "pro", "weight": 5.0, "match": {"by": "name", "value": "pro"}},
]


def make_metric(organization: Organization, kind: str, **fields: Any) -> Metric:
    """Make a metric of amounts or of outcomes."""
    mapping = {"anonymous_id": "anonymous_id", "timestamp": "timestamp_utc"}
    if kind == "numeric":
        mapping |= {"value": "value", "reward_type": "numeric"}
    else:
        mapping |= {"name": "name", "reward_type": "bool"}
        fields["outcomes"] = OUTCOMES
    return optimization_factories.make_metric(
        organization, sql=REWARDS, column_mapping=mapping, **fields
    )
