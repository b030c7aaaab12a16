"""What the optimized users brought, in rewards and in money, over HTTP."""

from typing import Any

import pytest

from optimizations.models import Optimization
from optimizations.results.readings import worth
from tests.support.factories import read_body
from tests.support.optimization_factories import (
    make_metric,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)
from tests.support.unhealthy_worlds import call_tool

pytestmark = pytest.mark.django_db(transaction=True)


def read_results(optimization: Optimization) -> dict[str, Any]:
    api = make_member_api(optimization)
    return read_body(api.get(f"/optimizations/{optimization.pk}/results"))


@pytest.fixture
def optimization() -> Optimization:
    organization = make_organization()
    metric = make_metric(organization, value_per_conversion=20.0, currency="EUR")
    return train_and_return(
        make_visited_optimization(organization, reward_metric_id=metric.pk)
    )


def test_the_extra_is_the_difference_of_all_optimized_users(
    optimization: Optimization,
) -> None:
    results = read_results(optimization)

    shown, measured = results["worth"], results["primary_metric_vs_holdout"]
    users = measured["optimization_exposures"]
    assert shown["users"] == users > 400
    assert shown["extra"] == pytest.approx(users * measured["difference"])
    limits = [users * end for end in measured["difference_ci_anytime"]]
    assert shown["extra_ci_anytime"] == pytest.approx(limits)
    low, high = limits
    assert low < shown["extra"] < high
    assert shown["amount"] == pytest.approx(20 * shown["extra"])
    assert shown["amount_ci_anytime"] == pytest.approx([20 * end for end in limits])
    assert (shown["currency"], shown["unavailable"]) == ("EUR", {})


def test_agents_and_reports_get_the_same(optimization: Optimization) -> None:
    shown = read_results(optimization)["worth"]
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"

    report = read_body(api.get(f"{path}/report-data"))["results"]["worth"]
    answer = call_tool(api, "get_results", optimization_id=str(optimization.pk))

    assert report == shown
    told = answer["figures"]["worth"]
    assert told["amount"] == pytest.approx(shown["amount"], rel=1e-3)
    assert told["currency"] == "EUR"
    assert "unavailable" not in told


def test_without_a_worth_there_is_no_money_and_the_reason_says_what_to_set() -> None:
    optimization = train_and_return(make_visited_optimization())

    shown = read_results(optimization)["worth"]

    assert shown["extra"] is not None
    assert shown["amount"] is shown["amount_ci_anytime"] is shown["currency"] is None
    reason = worth.NO_VALUE_PER_CONVERSION
    assert shown["unavailable"] == {"amount": reason, "amount_ci_anytime": reason}


def test_what_is_withheld_of_the_lift_is_withheld_here_for_the_same_reason() -> None:
    optimization = make_optimization(make_organization())
    metric = optimization.reward_metric
    assert metric is not None
    metric.value_per_conversion = 20.0
    metric.save()

    results = read_results(optimization)

    reasons = results["unavailable"]
    difference = reasons["primary_metric_vs_holdout.difference"]
    interval = reasons["primary_metric_vs_holdout.difference_ci_anytime"]
    assert results["worth"] == {
        "users": 0,
        **dict.fromkeys(("extra", "extra_ci_anytime", "amount", "amount_ci_anytime")),
        "currency": None,
        "unavailable": {
            "extra": difference,
            "extra_ci_anytime": interval,
            "amount": difference,
            "amount_ci_anytime": interval,
        },
    }


def test_a_draft_without_a_metric_says_so() -> None:
    draft = make_optimization(make_organization(), status="draft")

    shown = read_results(draft)["worth"]

    assert set(shown["unavailable"].values()) == {worth.NO_METRIC}
    assert len(shown["unavailable"]) == 4
