"""Figures as CSV where there are more of them: amounts, outcomes, guardrails, touches."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from optimizations.models import Optimization
from optimizations.views import csv_rows
from tests.support import traffic
from tests.support.csv_answers import assert_same_rows, list_rows
from tests.support.factories import read_body
from tests.support.optimization_factories import (
    make_config,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import make_member_api
from tests.support.unhealthy_worlds import make_violated_guardrail
from tests.support.value_metrics import make_metric

pytestmark = pytest.mark.django_db(transaction=True)

CSV = {"Accept": "text/csv"}
PURCHASES: dict[str, Any] = {
    "numeric": lambda rng, _variant: {"value": rng.lognormvariate(3, 0.5)},
    "outcomes": lambda rng, _variant: {"name": rng.choice(["basic", "pro"])},
}


@pytest.fixture
def violated() -> Optimization:
    """Return a trained optimization with a violated guardrail."""
    return make_violated_guardrail()[0]


def test_guardrails_have_their_intervals_in_two_columns(violated: Optimization) -> None:
    api, path = make_member_api(violated), f"/optimizations/{violated.pk}/guardrails"
    rows = read_body(api.get(path))["guardrails"]

    header = assert_same_rows(api.request("GET", path, headers=CSV), rows)

    assert rows
    assert {"lift_ci_anytime_lo", "lift_ci_anytime_hi", "status"} <= set(header)


def test_every_section_of_a_report_has_its_rows(violated: Optimization) -> None:
    api, path = make_member_api(violated), f"/optimizations/{violated.pk}/report-data"
    report = read_body(api.get(path))
    filled = set()

    for section in csv_rows.REPORT_DATA:
        rows = list_rows(section, report)
        address = f"{path}?section={section.name}"
        assert_same_rows(api.request("GET", address, headers=CSV), rows)
        filled |= {section.name} if rows else set()

    assert {"guardrails", "holdout_daily", "lift_history", "checks"} <= filled
    assert {"contexts", "time_series", "factor_utilities", "regimes"} <= filled


def test_the_latest_touches_have_columns_of_their_own(violated: Optimization) -> None:
    api = make_member_api(violated)
    path = f"/optimizations/{violated.pk}/observations"
    touches = read_body(api.get(f"{path}?raw=true"))["observations"]
    cells = read_body(api.get(path))["observations"]

    raw = api.request("GET", f"{path}?raw=true", headers=CSV)
    of_cells = api.request("GET", path, headers=CSV)

    assert "anonymous_id" in assert_same_rows(raw, touches)
    assert "anonymous_id" not in assert_same_rows(of_cells, cells)
    assert len(touches) == 100


@pytest.mark.parametrize("kind", PURCHASES)
def test_rewards_of_every_kind_are_taken_away(kind: str) -> None:
    organization = make_organization()
    reward = {"name": "spent", "type": kind}
    optimization = make_optimization(
        organization,
        holdout_percentage=50,
        reward_metric_id=make_metric(organization, kind).pk,
        training_data_config=make_config(reward=reward),
    )
    start = timezone.now() - timedelta(days=4)
    traffic.simulate_visitors(
        optimization, start, 300, lambda *_: 0.3, purchase=PURCHASES[kind]
    )
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"
    results = read_body(api.get(f"{path}/results?refresh=true"))
    mix = read_body(api.get(f"{path}/outcome-mix"))["rows"]

    for section in csv_rows.RESULTS:
        response = api.request(
            "GET", f"{path}/results?section={section.name}", headers=CSV
        )
        assert_same_rows(response, list_rows(section, results))
    header = assert_same_rows(
        api.request("GET", f"{path}/outcome-mix", headers=CSV), mix
    )

    assert "context.device" in header
    assert len({row["outcome_key"] for row in mix}) > 1
