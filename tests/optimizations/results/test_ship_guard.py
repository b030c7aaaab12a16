"""Shipping on figures that cannot be trusted takes a confirmation, however it is done."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from levered_site.admin.objections import TICK_LABEL, TICKED_FIELD
from optimizations.models import CubeDay, Optimization
from tests.support import staff_world
from tests.support.admin_actions import (
    OPTIMIZATION_LIST,
    build_dialog_url,
    confirm_action,
    confirm_list_action,
)
from tests.support.factories import read_body, read_error
from tests.support.result_visitors import make_visited_optimization, train_and_return
from tests.support.unhealthy_worlds import (
    break_metric,
    call_tool,
    lose_half_of_holdout,
    make_admin_api,
    make_broken_split,
    make_split_broken_by_day,
    make_violated_guardrail,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff(client: Client) -> Client:
    """Return a client that is logged in as a superuser."""
    client.force_login(staff_world.make_superuser())
    return client


def read_status(optimization: Optimization) -> str:
    """Return the status as it is stored."""
    optimization.refresh_from_db()
    return optimization.status


def test_a_broken_split_ships_by_rest_only_with_a_confirm() -> None:
    optimization = make_broken_split()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    health = read_body(api.get(f"{path}/results"))["health"]

    refused = [
        api.post(f"{path}/ship"),
        api.post(f"{path}/ship", {"confirm": False}),
        api.patch(path, {"status": "shipped"}),
        api.patch(path, {"status": "shipped", "confirm": False}),
    ]
    still = read_status(optimization)
    shipped = api.post(f"{path}/ship", {"confirm": True})

    assert {response.status_code for response in refused} == {409}
    for response in refused:
        error = read_error(response)
        assert error["details"] == health["reasons"]
        assert "set confirm to true" in error["message"]
        assert health["reasons"][0]["message"] in error["message"]
    assert still == "live"
    assert shipped.status_code == 200
    body = read_body(shipped)
    assert (body["status"], body["confirmed"]) == ("shipped", True)
    assert body["health"]["reasons"] == health["reasons"]
    assert shipped["ETag"] == api.get(path)["ETag"]


@pytest.mark.parametrize("was_counted", [True, False])
def test_a_split_that_broke_after_the_last_count_ships_only_with_a_confirm(
    *, was_counted: bool
) -> None:
    optimization = train_and_return(make_visited_optimization())
    lose_half_of_holdout(optimization)
    days = CubeDay.objects.filter(optimization=optimization)
    if was_counted:
        days.update(computed_at=timezone.now() - timedelta(hours=2), sealed=False)
    else:
        days.delete()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"

    refused = api.post(f"{path}/ship")
    status = read_status(optimization)
    shipped = api.post(f"{path}/ship", {"confirm": True})

    assert refused.status_code == 409
    assert read_error(refused)["details"][0]["code"] == "sample_ratio"
    assert status == "live"
    assert shipped.status_code == 200


def test_a_change_of_the_metric_does_not_hide_a_broken_split() -> None:
    optimization = make_broken_split()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    metric = optimization.reward_metric
    assert metric is not None

    changed = api.patch(
        f"/warehouse/metrics/{metric.pk}", {"sql": f"{metric.sql} AND true"}
    )
    refused = [api.post(f"{path}/ship")]
    body = read_body(api.get(f"{path}/results?refresh=true"))
    refused.append(api.post(f"{path}/ship"))

    assert changed.status_code == 200
    assert body["health"]["status"] == "broken"
    assert body["checks"]["sample_ratio"]["ok"] is False
    assert [response.status_code for response in refused] == [409, 409]


def test_a_split_that_is_right_in_total_but_not_by_day_ships_only_with_a_confirm() -> (
    None
):
    optimization = make_split_broken_by_day()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"

    body = read_body(api.get(f"{path}/results"))
    refused = api.post(f"{path}/ship")

    assert body["checks"]["sample_ratio"]["ok"] is True
    daily = body["checks"]["sample_ratio_daily"]
    assert daily["ok"] is False
    assert daily["p_value"] <= 0.001
    assert {day["observed_share"] < 0.42 for day in daily["days"]} == {True, False}
    assert body["health"]["status"] == "broken"
    (reason,) = read_error(refused)["details"]
    assert reason["code"] == "sample_ratio_daily"
    assert daily["days"][0]["date"] in reason["message"]
    assert refused.status_code == 409
    assert api.post(f"{path}/ship", {"confirm": True}).status_code == 200


def test_a_violated_guardrail_ships_by_patch_only_with_a_confirm() -> None:
    optimization, _ = make_violated_guardrail()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"

    refused = api.patch(path, {"status": "shipped", "name": "Renamed"})
    unchanged = read_body(api.get(path))
    shipped = api.patch(path, {"status": "shipped", "confirm": True})

    assert refused.status_code == 409
    (reason,) = read_error(refused)["details"]
    assert reason["code"] == "guardrail_violated"
    assert "Refunds" in reason["message"]
    assert (unchanged["name"], unchanged["status"]) == ("Landing page", "live")
    body = read_body(shipped)
    assert (body["status"], body["confirmed"]) == ("shipped", True)
    assert body["health"]["reasons"] == [reason]


def test_shipping_by_patch_answers_as_the_action_does_and_no_other_change_does() -> (
    None
):
    optimization = train_and_return(make_visited_optimization())
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    by_action = api.post(f"{path}/ship")
    back = api.patch(path, {"status": "live"})
    by_patch = api.patch(path, {"status": "shipped"})
    renamed = api.patch(path, {"name": "Renamed", "status": "shipped"})

    bodies = [read_body(by_action), read_body(by_patch)]
    assert bodies[0].keys() == bodies[1].keys()
    assert bodies[0]["health"] == bodies[1]["health"]
    assert by_patch["ETag"] != back["ETag"]
    assert renamed["ETag"] == api.get(path)["ETag"]
    for plain in (read_body(back), read_body(renamed)):
        assert not {"health", "confirmed"} & plain.keys()


def test_the_refusal_says_how_many_more_reasons_there_are() -> None:
    optimization, refunds = make_violated_guardrail()
    assert optimization.reward_metric is not None
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}/ship"
    break_metric(optimization, optimization.reward_metric)
    optimization.cube_days.update(computed_at=timezone.now() - timedelta(hours=2))

    two = read_error(api.post(path))
    optimization.guardrail_metrics.remove(refunds)
    one = read_error(api.post(path))

    assert [len(error["details"]) for error in (two, one)] == [2, 1]
    assert ". 1 more reason is in details. To ship all the same," in two["message"]
    assert ". To ship all the same, set confirm to true." in one["message"]
    assert "more reason" not in one["message"]


def test_sound_figures_ship_without_a_confirm() -> None:
    optimization = train_and_return(make_visited_optimization())
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"

    shipped = api.post(f"{path}/ship")

    assert shipped.status_code == 200
    body = read_body(shipped)
    assert (body["health"]["status"], body["confirmed"]) == ("ok", False)


def test_going_back_from_shipped_needs_no_confirm() -> None:
    optimization = make_broken_split()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    api.post(f"{path}/ship", {"confirm": True})

    assert api.patch(path, {"status": "live"}).status_code == 200


def test_the_rules_of_the_status_come_before_the_confirmation() -> None:
    optimization = make_broken_split()
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    api.patch(path, {"status": "paused"})

    refused = api.post(f"{path}/ship")

    assert "cannot become shipped" in read_error(refused)["message"]
    assert "details" not in read_error(refused)


@pytest.mark.parametrize(
    "body", [{"confirm": 1}, {"confirmed": True}, {"confirm": None}]
)
def test_a_confirm_is_a_boolean(body: Any) -> None:
    optimization = make_visited_optimization()
    path = f"/optimizations/{optimization.pk}/ship"

    assert make_admin_api(optimization).post(path, body).status_code == 400


def test_an_agent_is_told_the_reasons_before_it_can_confirm() -> None:
    optimization = make_broken_split()
    api = make_admin_api(optimization)
    ship = {"optimization_id": str(optimization.pk), "to": "shipped"}

    preview = call_tool(api, "change_status", **ship)
    still = read_status(optimization)
    done = call_tool(api, "change_status", **ship, confirm=True)

    assert preview["done"] is False
    assert preview["reasons"][0]["code"] == "sample_ratio"
    assert preview["reasons"][0]["message"] in preview["summary"]
    assert preview["changes"]["status"] == ["live", "shipped"]
    assert not {"health", "confirmed"} & preview["changes"].keys()
    assert "confirm: true" in preview["next"]
    assert still == "live"
    assert done["done"] is True
    assert done["reasons"] == preview["reasons"]
    assert read_status(optimization) == "shipped"


def test_an_agent_hears_of_no_reasons_where_there_are_none() -> None:
    optimization = train_and_return(make_visited_optimization())
    ship = {"optimization_id": str(optimization.pk), "to": "shipped"}

    preview = call_tool(make_admin_api(optimization), "change_status", **ship)

    assert "reasons" not in preview
    assert preview["changes"]["status"] == ["live", "shipped"]


def test_the_dialog_of_the_admin_lists_the_reasons_and_needs_a_tick(
    staff: Client,
) -> None:
    optimization = make_broken_split()
    url = build_dialog_url(optimization, "ship")

    dialog = staff.get(url).content.decode()
    unticked = staff.post(url, {"_form_submitted": "on"}).content.decode()
    still = read_status(optimization)
    staff.post(url, {"_form_submitted": "on", TICKED_FIELD: "on"})

    for page in (dialog, unticked):
        assert "users of one arm are lost" in page
        assert TICK_LABEL in page
    assert still == "live"
    assert read_status(optimization) == "shipped"


def test_the_list_of_the_admin_lists_the_reasons_and_needs_a_tick(
    staff: Client,
) -> None:
    broken, _ = make_broken_split(), make_violated_guardrail()
    sound = train_and_return(make_visited_optimization(name="Sound one"))
    selection = {"action": "ship", "_selected_action": [broken.pk, sound.pk]}

    page = staff.post(reverse(OPTIMIZATION_LIST), selection).content.decode()
    messages = confirm_list_action(staff, OPTIMIZATION_LIST, [broken, sound], "ship")
    statuses = read_status(broken), read_status(sound)
    form = {**selection, "_selected_action": [broken.pk], "confirmed": "yes"}
    staff.post(reverse(OPTIMIZATION_LIST), {**form, TICKED_FIELD: "on"})

    assert "users of one arm are lost" in page
    assert TICK_LABEL in page
    assert statuses == ("live", "shipped")
    (refusal,) = [text for text in messages if "should not ship yet" in text]
    assert f"tick “{TICK_LABEL}”" in refusal
    assert "confirm to true" not in refusal
    assert read_status(broken) == "shipped"


def test_a_sound_one_has_a_dialog_without_a_tick(staff: Client) -> None:
    optimization = train_and_return(make_visited_optimization())

    dialog = staff.get(build_dialog_url(optimization, "ship")).content.decode()
    confirm_action(staff, optimization, "ship")

    assert TICK_LABEL not in dialog
    assert read_status(optimization) == "shipped"
