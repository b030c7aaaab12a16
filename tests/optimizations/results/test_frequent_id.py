"""The check `one_id` names an id that many visitors share."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from optimizations.models import Optimization
from tests.support import traffic
from tests.support.factories import read_body
from tests.support.optimization_factories import make_optimization, make_organization
from tests.support.result_visitors import make_member_api

pytestmark = pytest.mark.django_db(transaction=True)


def send_exposures(optimization: Optimization, users: list[str], days: int = 1) -> None:
    """Send one exposure of each user, some days ago."""
    sent_at = (timezone.now() - timedelta(days=days)).isoformat()
    events = [
        traffic.build_exposure(optimization, user, timestamp=sent_at) for user in users
    ]
    traffic.send_exposures(optimization, events)


def list_users(count: int) -> list[str]:
    """Return different ids."""
    return [f"visitor-{number}" for number in range(count)]


def read_check(optimization: Optimization) -> dict[str, Any]:
    """Return the check `one_id` of results."""
    path = f"/optimizations/{optimization.pk}/results"
    checks = read_body(make_member_api(optimization).get(path))["checks"]
    check: dict[str, Any] = checks["one_id"]
    return check


def test_an_id_that_many_visitors_share_is_named() -> None:
    optimization = make_optimization(make_organization())
    send_exposures(optimization, [*list_users(150), *["shared-id"] * 50])

    assert read_check(optimization) == {
        "ok": False,
        "share": 0.25,
        "limit": 0.05,
        "reason": "25% of the latest exposures have the same anonymous_id",
        "anonymous_id": "shared-id",
    }


def test_visitors_with_ids_of_their_own_pass() -> None:
    optimization = make_optimization(make_organization())
    send_exposures(optimization, [*list_users(200), *["a regular"] * 5])

    check = read_check(optimization)

    assert check["ok"] is True
    assert check["share"] == pytest.approx(5 / 205)
    assert "anonymous_id" not in check


def test_few_or_old_exposures_cannot_tell() -> None:
    optimization = make_optimization(make_organization())
    send_exposures(optimization, ["shared-id"] * 99)
    send_exposures(optimization, list_users(100), days=8)

    check = read_check(optimization)

    assert check["ok"] is check["share"] is None
    assert "99 exposures" in check["reason"]


def test_exposures_of_excluded_users_and_of_others_do_not_count() -> None:
    optimization = make_optimization(make_organization())
    other = make_optimization(optimization.organization)
    optimization.excluded_users = ["probe", "bot-*"]
    optimization.save(update_fields=["excluded_users"])
    send_exposures(optimization, list_users(120))
    send_exposures(optimization, [*["probe"] * 100, *["bot-7"] * 100])
    send_exposures(other, ["shared-id"] * 100)

    assert read_check(optimization)["share"] == pytest.approx(1 / 120)


def test_a_draft_cannot_tell() -> None:
    draft = make_optimization(make_organization(), status="draft")

    assert read_check(draft)["ok"] is None
