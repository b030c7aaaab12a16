"""Quotas: how many of its resources an organization may have, each by a setting."""

from typing import Any

import pytest

from tests.support import factories
from tests.support.factories import read_body, read_error

pytestmark = pytest.mark.django_db

METRIC = {
    "name": "revenue",
    "sql": "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards",
    "column_mapping": {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "reward_type": "bool",
    },
}


@pytest.mark.parametrize(
    ("setting", "path", "body", "plural"),
    [
        ("MAX_API_KEYS", "/api-keys", {"label": "backend"}, "API keys"),
        ("MAX_METRICS", "/warehouse/metrics", METRIC, "metrics"),
    ],
)
def test_an_organization_at_its_quota_is_refused_until_it_deletes_one(
    settings: Any, setting: str, path: str, body: dict[str, Any], plural: str
) -> None:
    setattr(settings, setting, 2)
    acme, other = (
        factories.make_admin_api(factories.make_organization()) for _ in range(2)
    )

    first = [read_body(acme.post(path, body)) for _ in range(2)]
    refused = acme.post(path, body)
    of_another = other.post(path, body)
    acme.delete(f"{path}/{first[0]['id']}")
    after = acme.post(path, body)

    assert refused.status_code == 409
    assert f"2 {plural}, and 2 are allowed" in read_error(refused)["message"]
    assert (of_another.status_code, after.status_code) == (201, 201)
