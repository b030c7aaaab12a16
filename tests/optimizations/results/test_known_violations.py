"""A violation stays known when its guardrail is detached or redefined."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from levered_site.admin.objections import TICK_LABEL
from metrics.models import Metric
from optimizations.models import Optimization
from tests.support import staff_world
from tests.support.admin_actions import (
    OPTIMIZATION_LIST,
    build_dialog_url,
    confirm_action,
)
from tests.support.factories import read_body, read_error
from tests.support.unhealthy_worlds import (
    REFUND_SQL,
    call_tool,
    make_admin_api,
    make_violated_guardrail,
)

pytestmark = pytest.mark.django_db(transaction=True)


def detach(optimization: Optimization, _metric: Metric) -> None:
    """Detach all guardrails."""
    path = f"/optimizations/{optimization.pk}"
    body: dict[str, list[str]] = {"guardrail_metric_ids": []}
    assert make_admin_api(optimization).patch(path, body).status_code == 200


def attach(optimization: Optimization, metric: Metric) -> None:
    """Attach the metric as the only guardrail."""
    path = f"/optimizations/{optimization.pk}"
    body = {"guardrail_metric_ids": [str(metric.pk)]}
    assert make_admin_api(optimization).patch(path, body).status_code == 200


def count_nothing(optimization: Optimization, metric: Metric) -> None:
    """Change the metric's SQL so that no user has it any more."""
    change_metric(optimization, metric, {"sql": f"{REFUND_SQL} AND name = 'none'"})


def turn_around(optimization: Optimization, metric: Metric) -> None:
    """Change the direction, so that what was harm is good."""
    change_metric(optimization, metric, {"direction": "increase"})


def change_metric(
    optimization: Optimization, metric: Metric, fields: dict[str, str]
) -> None:
    """Change the metric by the API."""
    path = f"/warehouse/metrics/{metric.pk}"
    assert make_admin_api(optimization).patch(path, fields).status_code == 200


def read_reasons(optimization: Optimization, query: str = "") -> list[dict[str, Any]]:
    """Return the reasons of the health beside the results; those of the list agree."""
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    health = read_body(api.get(f"{path}/results{query}"))["health"]
    (row,) = read_body(api.get("/optimizations"))["optimizations"]
    assert row["summary"]["health"] == health
    return list(health["reasons"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (detach, "was violated until it was detached on 20"),
        (count_nothing, "was violated until its metric was redefined on 20"),
        (turn_around, "was violated until its metric was redefined on 20"),
    ],
)
def test_a_violation_is_not_washed_away_before_shipping(
    change: Any, words: str
) -> None:
    optimization, refunds = make_violated_guardrail()
    change(optimization, refunds)
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"

    before = read_reasons(optimization)
    counted = read_reasons(optimization, "?refresh=true")
    refused = [api.post(f"{path}/ship"), api.patch(path, {"status": "shipped"})]
    ship = {"optimization_id": str(optimization.pk), "to": "shipped"}
    preview = call_tool(api, "change_status", **ship)
    shipped = api.post(f"{path}/ship", {"confirm": True})

    assert [reason["code"] for reason in counted] == ["guardrail_violated"]
    (reason,) = counted
    assert words in reason["message"]
    assert "“Refunds” is violated: 50" in reason["message"]
    assert reason in before
    assert [response.status_code for response in refused] == [409, 409]
    for response in refused:
        assert read_error(response)["details"] == counted
    assert preview["reasons"] == counted
    assert preview["done"] is False
    assert shipped.status_code == 200


def test_the_admin_names_a_violation_whose_guardrail_was_detached(
    client: Client,
) -> None:
    optimization, refunds = make_violated_guardrail()
    detach(optimization, refunds)
    client.force_login(staff_world.make_superuser())
    change = reverse("admin:optimizations_optimization_change", args=[optimization.pk])

    in_list = client.get(reverse(OPTIMIZATION_LIST)).content.decode()
    on_page = client.get(change).content.decode()
    dialog = client.get(build_dialog_url(optimization, "ship")).content.decode()
    confirm_action(client, optimization, "ship")
    optimization.refresh_from_db()
    still = optimization.status
    confirm_action(client, optimization, "ship", ticked=True)
    optimization.refresh_from_db()

    assert "warning" in in_list
    assert "violated until it was detached" in on_page
    assert "violated until it was detached" in dialog
    assert TICK_LABEL in dialog
    assert (still, optimization.status) == ("live", "shipped")


def test_detaching_while_shipping_is_no_way_around() -> None:
    optimization, _ = make_violated_guardrail()
    path = f"/optimizations/{optimization.pk}"
    body = {"guardrail_metric_ids": [], "status": "shipped"}

    refused = make_admin_api(optimization).patch(path, body)

    assert refused.status_code == 409
    (reason,) = read_error(refused)["details"]
    assert reason["code"] == "guardrail_violated"
    assert [metric.name for metric in optimization.guardrail_metrics.all()] == [
        "Refunds"
    ]


def test_a_guardrail_attached_again_as_it_was_is_judged_again() -> None:
    optimization, refunds = make_violated_guardrail()
    detach(optimization, refunds)
    attach(optimization, refunds)

    (reason,) = read_reasons(optimization, "?refresh=true")

    assert reason["message"].startswith("The guardrail “Refunds” is violated: 50")


def test_a_guardrail_attached_again_with_another_definition_keeps_its_past() -> None:
    optimization, refunds = make_violated_guardrail()
    detach(optimization, refunds)
    count_nothing(optimization, refunds)
    attach(optimization, refunds)
    first = read_reasons(optimization, "?refresh=true")  # opens its regime

    (reason,) = read_reasons(optimization, "?refresh=true")

    assert "was violated until it was detached on" in reason["message"]
    assert [reason["code"] for reason in first] == [
        "guardrail_violated",
        "guardrail_not_counted",
    ]
