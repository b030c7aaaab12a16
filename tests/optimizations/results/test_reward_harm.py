"""A reward that became worse than in the holdout is a reason of the health, everywhere."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.test import Client

from metrics import stats
from metrics.models import Metric
from metrics.stats import Direction, Interval, Totals
from optimizations.models import Optimization
from optimizations.results.health import reward_harm
from optimizations.results.lift.anytime_tuning import Tuning
from optimizations.results.lift.measured_amounts import (
    CompanionResult,
    CompanionResults,
    MeasuredAmounts,
)
from optimizations.results.lift.measured_lift import Comparison
from tests.optimizations.results.test_health import read_admin_pages, read_healths
from tests.support.factories import read_body, read_error
from tests.support.optimization_factories import make_metric, make_organization
from tests.support.result_visitors import make_visited_optimization, train_and_return
from tests.support.unhealthy_worlds import (
    call_tool,
    make_admin_api,
    send_purchases_of_holdout,
    send_purchases_of_optimized,
)

CODE, BOOL = "lift_negative", {"reward_type": "bool"}


def make_compared(direction: Direction, *, holdout_buys: bool) -> Optimization:
    """Make a trained optimization in which all users of one arm buy."""
    organization = make_organization()
    metric = make_metric(organization, name="Purchases", direction=direction)
    optimization = make_visited_optimization(organization, reward_metric_id=metric.pk)
    if holdout_buys:
        send_purchases_of_holdout(optimization, every_nth=1)
    else:
        send_purchases_of_optimized(optimization)
    return train_and_return(optimization)


@pytest.mark.django_db(transaction=True)
def test_a_reward_that_became_lower_is_named_wherever_a_lift_stands(
    client: Client,
) -> None:
    optimization = make_compared("increase", holdout_buys=True)

    healths = read_healths(optimization)
    in_list, on_page = read_admin_pages(client, optimization)

    for health in healths.values():
        assert health["status"] == "warning"
        assert CODE in {reason["code"] for reason in health["reasons"]}
    (reason,) = (r for r in healths["results"]["reasons"] if r["code"] == CODE)
    assert reason["message"].startswith(
        "The reward “Purchases” is lower than without the optimization, which is worse: "
    )
    assert "against 100% in the holdout" in reason["message"]
    assert "warning" in in_list
    assert "is lower than without the optimization" in on_page


@pytest.mark.django_db(transaction=True)
def test_where_less_is_better_a_reward_that_became_higher_ships_with_a_confirm() -> (
    None
):
    optimization = make_compared("decrease", holdout_buys=False)
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    ship = {"optimization_id": str(optimization.pk), "to": "shipped"}

    refusal = read_error(api.post(f"{path}/ship"))
    preview = call_tool(api, "change_status", **ship)

    (reason,) = (told for told in refusal["details"] if told["code"] == CODE)
    assert "“Purchases” is higher than without the optimization" in reason["message"]
    assert reason in preview["reasons"]
    assert api.post(f"{path}/ship", {"confirm": True}).status_code == 200
    body: Any = read_body(api.get(f"{path}/results"))
    assert reason in body["health"]["reasons"]


@pytest.mark.django_db(transaction=True)
def test_harm_by_what_the_metric_counted_before_stays_until_it_is_improved() -> None:
    optimization = make_compared("increase", holdout_buys=True)
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    metric = optimization.reward_metric
    assert metric is not None
    sql = f"{metric.sql} AND value >= 0"

    api.patch(f"/warehouse/metrics/{metric.pk}", {"sql": sql})
    changed: Any = read_body(api.get(f"{path}/results?refresh=true"))
    refusal = read_error(api.post(f"{path}/ship"))
    api.patch(f"/warehouse/metrics/{metric.pk}", {"sql": metric.sql})
    changed_back: Any = read_body(api.get(f"{path}/results?refresh=true"))

    reasons = [r for r in changed["health"]["reasons"] if r["code"] == CODE]
    assert changed["primary_metric_vs_holdout"]["difference"] is None
    (reason,) = reasons
    assert reason["message"].startswith("As it was defined until 20")
    assert "“Purchases” was lower than without" in reason["message"]
    assert reason in refusal["details"]
    (present,) = (r for r in changed_back["health"]["reasons"] if r["code"] == CODE)
    assert present["message"].startswith("The reward “Purchases” is lower")


def compare(direction: Direction, optimized: int, holdout: int) -> list[str]:
    """Return the codes of 1,000 users of each arm, so many of whom converted."""
    lift = stats.lift.measure_lift(
        [
            (
                Totals.from_conversions(1000, optimized),
                Totals.from_conversions(1000, holdout),
            )
        ],
        "bool",
        direction=direction,
    )
    comparison = Comparison(lift, [], Tuning(10_000, 0.5))
    metric = Metric(name="Purchases", column_mapping=BOOL, direction=direction)
    reasons = reward_harm.describe_harm(metric, comparison, MeasuredAmounts())
    ends = lift.difference_ci_anytime or (None, None)
    harmful = ends[1] if direction == "increase" else ends[0]
    assert harmful is not None
    is_harm = harmful < 0 if direction == "increase" else harmful > 0
    assert bool(reasons) == is_harm  # exactly where the interval excludes zero
    return [reason.code for reason in reasons]


@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_only_harm_that_the_anytime_interval_shows_is_a_reason(
    direction: Direction,
) -> None:
    worse, better = (50, 150) if direction == "increase" else (150, 50)

    assert compare(direction, worse, better) == [CODE]
    assert compare(direction, better, worse) == []
    assert compare(direction, 100, 100) == []
    # At one look it would be significant.
    near = 80 if direction == "increase" else 124
    assert compare(direction, near, 105 if near == 80 else 96) == []


def test_without_a_metric_or_users_nothing_is_known_of_harm() -> None:
    lift = stats.lift.measure_lift([], "bool")
    comparison = Comparison(lift, [], Tuning(10_000, None))
    metric = Metric(column_mapping=BOOL)

    assert reward_harm.describe_harm(None, comparison, MeasuredAmounts()) == []
    assert reward_harm.describe_harm(metric, comparison, MeasuredAmounts()) == []


UNKNOWN, NOTHING, LESS, MORE = None, (-20.0, 30.0), (-60.0, -30.0), (30.0, 60.0)


def list_hidden_harm(
    direction: Direction,
    intervals: Sequence[Interval | None],
    values: tuple[float, float] = (1.0, 1.0),
) -> list[str]:
    """Return the messages of these companions, beside means of 1,000 users of each arm."""
    totals = [Totals(1000, 1000 * value, 4000 * value**2) for value in values]
    lift = stats.lift.measure_lift(
        [(totals[0], totals[1])], "numeric", direction=direction
    )
    companions = [
        CompanionResult(None if ends is None else sum(ends) / 2, ends, ends, 0.983)
        for ends in intervals
    ]
    metric = Metric(name="Revenue", column_mapping={"reward_type": "numeric"})
    reasons = reward_harm.describe_harm(
        metric,
        Comparison(lift, [], Tuning(10_000, 0.5)),
        MeasuredAmounts(companions=CompanionResults(*companions)),
    )
    assert all(reason.code == CODE for reason in reasons)
    return [reason.message for reason in reasons]


@pytest.mark.parametrize(
    ("intervals", "figures"),
    [
        ((LESS, LESS, NOTHING), ["capped", "share of users"]),
        ((UNKNOWN, LESS, NOTHING), ["share of users"]),
        ((UNKNOWN, NOTHING, LESS), ["typical"]),
        ((NOTHING, NOTHING, NOTHING), []),
        ((UNKNOWN, UNKNOWN, UNKNOWN), []),
        # Fewer who pay more: the capped amount says that both together are no less.
        ((NOTHING, LESS, NOTHING), []),
        ((UNKNOWN, LESS, MORE), []),
        ((LESS, MORE, LESS), []),
    ],
)
def test_harm_that_the_mean_of_amounts_hides_is_a_reason_where_nothing_contradicts_it(
    intervals: Sequence[Interval | None],
    figures: list[str],
) -> None:
    mirrored = [ends and (-ends[1], -ends[0]) for ends in intervals]

    less = list_hidden_harm("increase", intervals)
    more = list_hidden_harm("decrease", mirrored)

    for messages in (less, more):
        assert bool(messages) == bool(figures)
        assert all(figure in messages[0] for figure in figures)
    assert list_hidden_harm("increase", mirrored) == []
    assert list_hidden_harm("increase", intervals, values=(2.0, 1.0)) == []
