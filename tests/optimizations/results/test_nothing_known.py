"""Nothing known is not ok: it has a reason, and shipping asks for a confirmation."""

from typing import Any

import pytest

from optimizations.models import Optimization
from tests.support.factories import read_body, read_error
from tests.support.optimization_factories import (
    make_metric,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import make_visited_optimization, train_and_return
from tests.support.unhealthy_worlds import (
    REFUND_SQL,
    call_tool,
    make_admin_api,
    make_lost_holdout_rewards,
)

pytestmark = pytest.mark.django_db(transaction=True)


def read_health(optimization: Optimization, name: str = "results") -> dict[str, Any]:
    """Return the health beside what an endpoint shows."""
    path = f"/optimizations/{optimization.pk}/{name}"
    health: dict[str, Any] = read_body(make_admin_api(optimization).get(path))["health"]
    return health


def read_codes(optimization: Optimization, name: str = "results") -> list[str]:
    """Return the codes of the reasons of the health."""
    return [reason["code"] for reason in read_health(optimization, name)["reasons"]]


@pytest.mark.parametrize("status", ["draft", "live"])
def test_what_was_never_counted_says_so_calmly(status: str) -> None:
    optimization = make_optimization(make_organization(), status=status)
    api = make_admin_api(optimization)

    healths = [read_health(optimization, name) for name in ("results", "guardrails")]
    (row,) = read_body(api.get("/optimizations"))["optimizations"]
    answer = call_tool(api, "get_results", optimization_id=str(optimization.pk))

    for health in healths:
        assert health["status"] == "warning"
        (reason,) = health["reasons"]
        assert reason["code"] == "not_counted"
        assert reason["message"].startswith("Nothing counted yet: ")
        assert reason["next"].endswith(".")
    assert row["summary"] is None
    assert answer["summary"].startswith("Nothing counted yet: ")


def test_shipping_without_any_user_asks_for_a_confirmation() -> None:
    optimization = make_optimization(make_organization())
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"

    refused = api.post(f"{path}/ship")
    preview = call_tool(
        api, "change_status", optimization_id=str(optimization.pk), to="shipped"
    )
    shipped = api.post(f"{path}/ship", {"confirm": True})

    assert refused.status_code == 409
    assert [reason["code"] for reason in read_error(refused)["details"]] == ["no_users"]
    assert [reason["code"] for reason in preview["reasons"]] == ["no_users"]
    assert shipped.status_code == 200


def test_a_guardrail_attached_after_the_count_is_unknown_until_the_next() -> None:
    organization = make_organization()
    optimization = train_and_return(make_visited_optimization(organization))
    refunds = make_metric(organization, name="Refunds", sql=REFUND_SQL)
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    api.patch(path, {"guardrail_metric_ids": [str(refunds.pk)]})

    before = [read_codes(optimization, name) for name in ("results", "guardrails")]
    shipped = api.post(f"{path}/ship")

    assert before == [["guardrail_not_counted"]] * 2
    assert shipped.status_code == 200  # it counts the guardrail first
    assert read_codes(optimization) == []


def test_a_guardrail_that_cannot_be_counted_needs_a_confirmation() -> None:
    organization = make_organization()
    optimization = train_and_return(make_visited_optimization(organization))
    broken = make_metric(
        organization,
        name="Refunds",
        sql="SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards "
        "WHERE CAST(name AS numeric) > 0",
    )
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    api.patch(path, {"guardrail_metric_ids": [str(broken.pk)]})

    refused = api.post(f"{path}/ship")

    assert refused.status_code == 409
    (reason,) = read_error(refused)["details"]
    assert reason["code"] == "not_counted"
    assert "“Refunds” could not be counted" in reason["message"]


def test_a_redefined_reward_is_not_counted_until_the_next_count() -> None:
    optimization = train_and_return(make_visited_optimization())
    metric = optimization.reward_metric
    assert metric is not None
    api = make_admin_api(optimization)
    api.patch(f"/warehouse/metrics/{metric.pk}", {"sql": f"{metric.sql} AND true"})

    in_list = read_body(api.get("/optimizations"))["optimizations"][0]["summary"]
    refused = api.post(f"/optimizations/{optimization.pk}/ship")

    assert [r["code"] for r in in_list["health"]["reasons"]] == ["not_counted"]
    assert refused.status_code == 409
    assert [r["code"] for r in read_error(refused)["details"]] == ["no_users"]


def test_a_model_that_misses_the_holdout_ships_only_with_a_confirmation() -> None:
    optimization = make_lost_holdout_rewards()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"

    refused = api.post(f"{path}/ship")
    shipped = api.post(f"{path}/ship", {"confirm": True})

    assert refused.status_code == 409
    assert [r["code"] for r in read_error(refused)["details"]] == ["baseline_sanity"]
    assert shipped.status_code == 200
