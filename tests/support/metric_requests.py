"""Bodies of metrics, and metrics made by the API."""

from typing import Any

from levered_site.organizations.models import Organization
from tests.support import factories, warehouse_events
from tests.support.factories import read_body
from tests.support.reference_cube import Reward, Touch
from tests.support.warehouse_events import parse_moment

PATH = "/warehouse/metrics"
SQL = (
    "SELECT anonymous_id, timestamp_utc, value, name FROM managed_dw.rewards"
    " WHERE timestamp_utc >= @start_date"
)
MAPPING = {
    "anonymous_id": "anonymous_id",
    "timestamp": "timestamp_utc",
    "value": "value",
    "name": "name",
    "reward_type": "numeric",
}
OUTCOMES = [
    {"key": "buy", "weight": 3, "match": {"by": "name", "value": "purchase"}},
    {"key": "lead", "weight": 0.5, "match": {"by": "name", "value": "signup"}},
]


def body(**overrides: Any) -> dict[str, Any]:
    """The least that makes a metric, or what a test says."""
    return {"name": "revenue", "sql": SQL, "column_mapping": MAPPING, **overrides}


def create_metric(organization: Organization, **overrides: Any) -> dict[str, Any]:
    """Make a metric by the API."""
    answer = factories.make_member_api(organization).post(PATH, body(**overrides))
    assert answer.status_code == 201, answer.content
    return read_body(answer)


def store_two_users(organization: Organization, day: str) -> None:
    """Store two rewards, and exposures whose ids are spelled otherwise."""
    at = parse_moment(f"{day} 10:00")
    warehouse_events.store_events(
        organization.pk,
        "00000000-0000-0000-0000-000000000001",
        [Touch(user, at, "{}", "{}", 1) for user in ("U1 ", "u3")],
        [Reward("u1", at), Reward("u2", at, 2.0)],
    )
