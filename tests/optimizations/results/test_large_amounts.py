"""Amounts as large as ingestion accepts break no answer, neither now nor as stored rows.

Postgres prints a float in jsonb without an exponent: 7.3e19 comes back as an integer.
"""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from levered_site.organizations import audit
from levered_site.organizations.actors import SYSTEM_ACTOR
from models_app.models import PolicyVersion
from optimizations.models import Optimization, PublishedDay, ResultsSummary
from tests.support import staff_world, traffic, value_metrics
from tests.support.admin_actions import OPTIMIZATION_LIST
from tests.support.factories import Api, read_body
from tests.support.learning import headline_b_rate
from tests.support.optimization_factories import (
    make_config,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import make_member_api, train_and_return
from tests.support.unhealthy_worlds import call_tool

pytestmark = pytest.mark.django_db(transaction=True)

WIDE = 7.3e19
ENDPOINTS = (
    *("results", "results?refresh=true", "progress", "guardrails", "lift-history"),
    *("holdout-daily", "report-data"),
)
MCP_VIEWS = ("summary", "variants", "contexts", "progress", "lift_history")


def make_shop(amount: float) -> Optimization:
    """Make a live optimization of 800 visitors whose purchases are about the amount."""
    organization = make_organization()
    optimization = make_optimization(
        organization,
        reward_metric_id=value_metrics.make_metric(organization, "numeric").pk,
        training_data_config=make_config(
            reward={"name": "purchase", "type": "numeric"}
        ),
        holdout_percentage=50,
    )

    def buy(rng: random.Random, _variant: Any) -> dict[str, Any]:
        return {"value": amount * rng.uniform(0.5, 1.5)}

    start = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, start, 800, headline_b_rate, purchase=buy)
    return optimization


def send_one_large_amount(optimization: Optimization) -> None:
    """Let a visitor of the second variant pay 1e12."""
    at = timezone.now() - timedelta(days=3)
    exposure = traffic.build_exposure(
        optimization,
        "whale",
        variant={"headline": "B", "cta": False},
        context={"device": "mobile"},
        timestamp=at.isoformat(),
    )
    traffic.send_exposures(optimization, [exposure])
    reward = traffic.build_reward(
        "whale", value=1e12, timestamp=(at + timedelta(minutes=5)).isoformat()
    )
    traffic.send_rewards(optimization, [reward])


def enlarge(value: Any) -> Any:
    """Return a stored document with every float beyond 64 bits and without a fraction."""
    if isinstance(value, dict):
        return {name: enlarge(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [enlarge(inner) for inner in value]
    return value * WIDE if isinstance(value, float) else value


def assert_every_answer_renders(client: Client, optimization: Optimization) -> None:
    """Ask every place of the API, of MCP and of the admin that shows figures."""
    api: Api = make_member_api(optimization)
    path = f"/optimizations/{optimization.pk}"
    model = f"/models/{optimization.model_id}"
    for address in (
        *("/optimizations?limit=1", "/optimizations?status=archived", path),
        *(f"{path}/{name}" for name in ENDPOINTS),
        *(f"{model}/state", f"{model}/training-runs"),
    ):
        response = api.get(address)
        assert response.status_code == 200, (address, response.content)
    assert call_tool(api, "overview")["items"]
    for view in MCP_VIEWS:
        answer = call_tool(
            api, "get_results", optimization_id=str(optimization.pk), view=view
        )
        assert "figures" in answer, (view, answer)
    client.force_login(staff_world.make_superuser())
    change = "admin:optimizations_optimization_change"
    for page in (
        reverse(OPTIMIZATION_LIST),
        reverse(change, args=[optimization.pk]),
    ):
        assert client.get(page).status_code == 200


def test_one_large_amount_breaks_no_answer(client: Client) -> None:
    optimization = make_shop(20.0)
    send_one_large_amount(optimization)
    api = make_member_api(optimization)
    path = f"/optimizations/{optimization.pk}/results?refresh=true"
    assert api.get(path).status_code == 200
    assert api.get("/optimizations?limit=1").status_code == 200

    train_and_return(optimization)

    assert_every_answer_renders(client, optimization)


@pytest.mark.parametrize("amount", [1e13, 5e14])
def test_large_amounts_everywhere_break_no_answer(
    client: Client, amount: float
) -> None:
    optimization = train_and_return(make_shop(amount))

    assert_every_answer_renders(client, optimization)


def test_rows_stored_before_are_rendered(client: Client) -> None:
    optimization = train_and_return(make_shop(20.0))
    for row in PublishedDay.objects.all():
        row.figures = enlarge(row.figures)
        row.save()
    for version in PolicyVersion.objects.exclude(report=None):
        assert version.report is not None
        version.report = enlarge(version.report)
        version.save()
    summaries = ResultsSummary.objects.all()
    summaries.update(difference_ci=[-WIDE, WIDE], difference_ci_anytime=[None, WIDE])
    assert isinstance(ResultsSummary.objects.get().difference_ci, list)

    (row,) = read_body(make_member_api(optimization).get("/optimizations"))[
        "optimizations"
    ]

    assert row["summary"]["difference_ci"] == [-WIDE, WIDE]
    assert_every_answer_renders(client, optimization)


def test_the_audit_log_takes_a_large_number() -> None:
    optimization = make_optimization(make_organization())

    entry = audit.record(
        optimization.organization_id,
        SYSTEM_ACTOR,
        "optimization.update",
        optimization,
        {"excluded_combinations": [[{"size": int(WIDE)}], []]},
    )

    assert entry.changes["excluded_combinations"][0] == [{"size": WIDE}]
