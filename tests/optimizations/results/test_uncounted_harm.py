"""Harm that no stored count shows is not lost when its guardrail is detached."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from metrics.models import Metric, MetricRevision
from optimizations.models import CubeDay, Optimization, ResultsSummary
from optimizations.results.health import health_storage
from tests.support import staff_world
from tests.support.admin_actions import OPTIMIZATION_LIST, confirm_list_action
from tests.support.factories import Api, read_body, read_error
from tests.support.optimization_factories import (
    make_config,
    make_metric,
    make_organization,
)
from tests.support.result_visitors import make_visited_optimization, train_and_return
from tests.support.unhealthy_worlds import (
    BROKEN_SQL,
    REFUND_SQL,
    call_tool,
    make_admin_api,
    send_refunds,
)

pytestmark = pytest.mark.django_db(transaction=True)


def make_uncounted_harm(sql: str = REFUND_SQL) -> tuple[Optimization, Metric]:
    """Make an optimization that harms a guardrail and that nothing has counted."""
    organization = make_organization()
    refunds = make_metric(organization, name="Refunds", sql=sql, direction="decrease")
    optimization = make_visited_optimization(
        organization, guardrail_metric_ids=[refunds.pk]
    )
    send_refunds(optimization, every_nth_optimized=2)
    return optimization, refunds


def ship_by_rest(api: Api, optimization: Optimization) -> list[dict[str, Any]]:
    """Ask to ship without a confirm; return the reasons of the refusal."""
    response = api.post(f"/optimizations/{optimization.pk}/ship")
    assert response.status_code == 409
    return list(read_error(response)["details"])


def ship_by_patch(api: Api, optimization: Optimization) -> list[dict[str, Any]]:
    """Change the status without a confirm; return the reasons of the refusal."""
    path = f"/optimizations/{optimization.pk}"
    response = api.patch(path, {"status": "shipped"})
    assert response.status_code == 409
    return list(read_error(response)["details"])


def ship_by_rest_with_a_key(
    api: Api, optimization: Optimization
) -> list[dict[str, Any]]:
    """Ask to ship in a request that may be repeated; return the reasons."""
    path = f"/optimizations/{optimization.pk}/ship"
    response = api.post(path, Idempotency_Key="ship once")
    assert response.status_code == 409
    return list(read_error(response)["details"])


def ship_by_patch_if_unchanged(
    api: Api, optimization: Optimization
) -> list[dict[str, Any]]:
    """Change the status on the condition that nothing changed; return the reasons."""
    path = f"/optimizations/{optimization.pk}"
    tag = api.get(path)["ETag"]
    response = api.patch(path, {"status": "shipped"}, If_Match=tag)
    assert response.status_code == 409
    return list(read_error(response)["details"])


def ship_by_admin_list(api: Api, optimization: Optimization) -> list[dict[str, Any]]:
    """Ship without the tick from the admin's list; return what the API knows then."""
    client = Client()
    client.force_login(staff_world.make_superuser())
    (message,) = confirm_list_action(client, OPTIMIZATION_LIST, [optimization], "ship")
    assert "should not ship yet" in message
    health = read_body(api.get(f"/optimizations/{optimization.pk}/results"))["health"]
    return list(health["reasons"])


def preview_by_mcp(api: Api, optimization: Optimization) -> list[dict[str, Any]]:
    """Have an agent ask what shipping would change; return the reasons it is told."""
    ship = {"optimization_id": str(optimization.pk), "to": "shipped"}
    return list(call_tool(api, "change_status", **ship)["reasons"])


def detach(api: Api, optimization: Optimization, _metric: Metric) -> None:
    """Detach all guardrails."""
    body: dict[str, list[str]] = {"guardrail_metric_ids": []}
    assert api.patch(f"/optimizations/{optimization.pk}", body).status_code == 200


def count_nothing(api: Api, _optimization: Optimization, metric: Metric) -> None:
    """Change the metric's SQL so that no user has it any more."""
    body = {"sql": f"{REFUND_SQL} AND name = 'none'"}
    assert api.patch(f"/warehouse/metrics/{metric.pk}", body).status_code == 200


@pytest.mark.parametrize("change", [detach, count_nothing])
@pytest.mark.parametrize(
    "ask",
    [
        ship_by_rest,
        ship_by_rest_with_a_key,
        ship_by_patch,
        ship_by_patch_if_unchanged,
        ship_by_admin_list,
        preview_by_mcp,
    ],
)
def test_what_a_refusal_counted_stays_known(ask: Any, change: Any) -> None:
    optimization, refunds = make_uncounted_harm()
    api = make_admin_api(optimization)

    told = ask(api, optimization)
    change(api, optimization, refunds)
    reasons = [ship_by_rest(api, optimization), preview_by_mcp(api, optimization)]

    assert [reason["code"] for reason in told] == ["guardrail_violated"]
    for known in reasons:
        assert known[0]["code"] == "guardrail_violated"
        assert "“Refunds” is violated: 50" in known[0]["message"]


def test_a_guardrail_detached_before_any_count_leaves_a_reason() -> None:
    optimization, refunds = make_uncounted_harm()
    api = make_admin_api(optimization)

    detach(api, optimization, refunds)
    reasons = ship_by_rest(api, optimization)

    assert [reason["code"] for reason in reasons] == ["guardrail_not_counted"]
    assert "before it was ever counted as it was" in reasons[0]["message"]
    assert preview_by_mcp(api, optimization) == reasons


def test_a_guardrail_detached_twice_before_any_count_leaves_one_reason() -> None:
    optimization, refunds = make_uncounted_harm()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"

    detach(api, optimization, refunds)
    api.patch(path, {"guardrail_metric_ids": [str(refunds.pk)]})
    detach(api, optimization, refunds)

    assert len(ship_by_rest(api, optimization)) == 1


def test_harm_after_the_last_count_leaves_a_reason_until_it_is_judged() -> None:
    optimization, refunds = make_sound_guardrail()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    age_counts(optimization)
    send_refunds(optimization, every_nth_optimized=2)

    detach(api, optimization, refunds)
    (unknown,) = ship_by_rest(api, optimization)
    api.patch(path, {"guardrail_metric_ids": [str(refunds.pk)]})
    (judged,) = ship_by_rest(api, optimization)

    assert unknown["code"] == "guardrail_not_counted"
    assert "without a count since" in unknown["message"]
    assert judged["code"] == "guardrail_violated"


def list_codes(reasons: list[dict[str, Any]]) -> list[str]:
    """Return the codes of reasons."""
    return [reason["code"] for reason in reasons]


def turn_around(api: Api, _optimization: Optimization, metric: Metric) -> None:
    """Change the direction, so that what is harm now was good before, and back."""
    body = {"direction": "increase"}
    assert api.patch(f"/warehouse/metrics/{metric.pk}", body).status_code == 200


@pytest.mark.parametrize("redefine", [count_nothing, turn_around])
def test_the_count_after_a_redefinition_judges_what_was_unknown(redefine: Any) -> None:
    optimization, refunds = make_sound_guardrail()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    age_counts(optimization)
    send_refunds(optimization, every_nth_optimized=2)

    redefine(api, optimization, refunds)
    unknown = read_body(api.get(f"{path}/results"))["health"]["reasons"]
    known = read_body(api.get(f"{path}/results?refresh=true"))["health"]["reasons"]
    again = read_body(api.get(f"{path}/results?refresh=true"))["health"]["reasons"]

    assert "guardrail_not_counted" in list_codes(unknown)
    assert list_codes(known) == ["guardrail_violated"]
    assert "was violated until its metric was redefined on 20" in known[0]["message"]
    assert "“Refunds” is violated: 50" in known[0]["message"]
    assert again == known


@pytest.mark.parametrize("redefine", [count_nothing, turn_around])
def test_a_redefined_guardrail_without_harm_leaves_nothing_after_the_next_count(
    redefine: Any,
) -> None:
    optimization, refunds = make_sound_guardrail()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    age_counts(optimization)

    redefine(api, optimization, refunds)
    unknown = read_body(api.get(f"{path}/results"))["health"]["reasons"]
    known = read_body(api.get(f"{path}/results?refresh=true"))["health"]["reasons"]

    assert "guardrail_not_counted" in list_codes(unknown)
    assert known == []
    assert api.post(f"{path}/ship").status_code == 200


def test_what_the_warehouse_cannot_count_any_more_stays_unknown() -> None:
    optimization, refunds = make_sound_guardrail()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    age_counts(optimization)
    count_nothing(api, optimization, refunds)
    MetricRevision.objects.filter(metric=refunds).update(sql=BROKEN_SQL)
    send_refunds(optimization, every_nth_optimized=2)

    reasons = read_body(api.get(f"{path}/results?refresh=true"))["health"]["reasons"]

    assert list_codes(reasons) == ["guardrail_not_counted"]


def test_a_guardrail_that_was_just_counted_leaves_nothing_when_detached() -> None:
    optimization, refunds = make_sound_guardrail()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"

    detach(api, optimization, refunds)

    assert api.post(f"{path}/ship").status_code == 200


def test_a_guardrail_that_could_not_be_counted_leaves_a_reason_when_detached() -> None:
    optimization, refunds = make_uncounted_harm()
    refunds.sql = BROKEN_SQL
    refunds.save()
    optimization = train_and_return(optimization)
    api = make_admin_api(optimization)

    detach(api, optimization, refunds)
    (reason,) = ship_by_rest(api, optimization)

    assert reason["code"] == "guardrail_not_counted"
    assert "while it could not be counted" in reason["message"]
    assert preview_by_mcp(api, optimization) == [reason]


def test_a_guardrail_that_could_not_be_counted_is_corrected_without_a_trace() -> None:
    optimization, refunds = make_uncounted_harm()
    refunds.sql = BROKEN_SQL
    refunds.save()
    optimization = train_and_return(optimization)
    api = make_admin_api(optimization)
    path = f"/optimizations/{optimization.pk}"

    count_nothing(api, optimization, refunds)
    health = read_body(api.get(f"{path}/results?refresh=true"))["health"]

    assert all("redefined" not in reason["message"] for reason in health["reasons"])


def make_sound_guardrail() -> tuple[Optimization, Metric]:
    """Make a trained optimization with a guardrail that nobody has; and the metric."""
    organization = make_organization()
    refunds = make_metric(
        organization, name="Refunds", sql=REFUND_SQL, direction="decrease"
    )
    optimization = make_visited_optimization(
        organization, guardrail_metric_ids=[refunds.pk]
    )
    return train_and_return(optimization), refunds


def age_counts(optimization: Optimization) -> None:
    """Have the stored counts be two hours old."""
    long_ago = timezone.now() - timedelta(hours=2)
    CubeDay.objects.filter(optimization=optimization).update(
        computed_at=long_ago, sealed=False
    )
    ResultsSummary.objects.update(as_of=long_ago, judged_at=long_ago)


def make_immature_guardrail() -> tuple[Optimization, Metric]:
    """Make a counted optimization whose users' horizon is not over; and its guardrail."""
    organization = make_organization()
    refunds = make_metric(
        organization, name="Refunds", sql=REFUND_SQL, direction="decrease"
    )
    attribution = {"conversion_window_hours": 24, "horizon_hours": 168}
    optimization = make_visited_optimization(
        organization,
        guardrail_metric_ids=[refunds.pk],
        training_data_config=make_config(attribution=attribution),
    )
    health_storage.refresh_results(optimization)
    return optimization, refunds


def pass_the_horizon(optimization: Optimization) -> None:
    """Have the horizon of all users be over, as if a few days had passed."""
    model = optimization.model
    model.training_data_config["attribution"]["horizon_hours"] = 24
    model.save()


@pytest.mark.parametrize("redefine", [count_nothing, turn_around])
@pytest.mark.parametrize(
    ("is_fresh", "is_harmed"), [(True, True), (False, True), (True, False)]
)
def test_a_redefined_guardrail_is_judged_until_its_users_horizon_is_over(
    is_fresh: bool, is_harmed: bool, redefine: Any
) -> None:
    optimization, refunds = make_immature_guardrail()
    api = make_admin_api(optimization)
    path = f"/optimizations/{optimization.pk}/results"
    if is_harmed:
        send_refunds(optimization, every_nth_optimized=2)
    if not is_fresh:
        age_counts(optimization)

    redefine(api, optimization, refunds)
    early = read_body(api.get(f"{path}?refresh=true"))["health"]["reasons"]
    pass_the_horizon(optimization)
    late = read_body(api.get(f"{path}?refresh=true"))["health"]["reasons"]

    assert list_codes(early) == ["no_mature_users"]
    if is_harmed:
        (reason,) = late
        assert reason["code"] == "guardrail_violated"
        assert "was violated until its metric was redefined on 20" in reason["message"]
    else:
        assert late == []
        assert ResultsSummary.objects.get().past_violations == []


def test_a_guardrail_detached_before_any_user_is_mature_leaves_a_reason() -> None:
    optimization, refunds = make_immature_guardrail()
    api = make_admin_api(optimization)
    send_refunds(optimization, every_nth_optimized=2)

    detach(api, optimization, refunds)
    pass_the_horizon(optimization)
    path = f"/optimizations/{optimization.pk}/results?refresh=true"
    (reason,) = read_body(api.get(path))["health"]["reasons"]

    assert reason["code"] == "guardrail_not_counted"
    assert "before the horizon of all users was over" in reason["message"]
    assert preview_by_mcp(api, optimization) == [reason]
