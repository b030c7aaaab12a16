"""Optimizations whose figures are wrong in a known way, and calls of MCP in the process."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from metrics.models import Metric
from optimizations.models import Optimization
from optimizations.serving import decision, snapshot
from tests.support import factories, traffic
from tests.support.factories import Api, read_body
from tests.support.learning import headline_b_rate
from tests.support.optimization_factories import (
    make_metric,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import make_visited_optimization, train_and_return
from warehouse.models import ManagedExposure, ManagedReward

Json = dict[str, Any]
REFUND_SQL = (
    "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards WHERE name = 'refund'"
)
# Fails at the first reward named refund, because that is no number.
BROKEN_SQL = (
    "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards "
    "WHERE name = 'refund' AND CAST(name AS numeric) > 0"
)


def make_broken_split() -> Optimization:
    """Make a trained optimization that lost half of the holdout's exposures."""
    optimization = make_visited_optimization()
    lose_half_of_holdout(optimization)
    return train_and_return(optimization)


def lose_half_of_holdout(optimization: Optimization) -> None:
    """Delete the exposures of every other held-out user."""
    held_out = _list_users(optimization, in_holdout=True)
    lost = ManagedExposure.objects.filter(anonymous_id__in=held_out[::2])
    lost.filter(optimization_id=optimization.pk).delete()


def make_split_broken_by_day() -> Optimization:
    """Make a trained optimization that lost half of one arm first, then of the other."""
    optimization = make_optimization(make_organization(), holdout_percentage=50)
    now = timezone.now()
    for days, in_holdout in ((6, True), (4, False)):
        known = set(_list_users(optimization, in_holdout=in_holdout))
        start = now - timedelta(days=days)
        traffic.simulate_visitors(optimization, start, 1000, headline_b_rate)
        users = _list_users(optimization, in_holdout=in_holdout)
        lost = [user for user in users if user not in known][::2]
        ManagedExposure.objects.filter(anonymous_id__in=lost).delete()
    return train_and_return(optimization)


def make_lost_holdout_rewards() -> Optimization:
    """Make a trained optimization whose held-out users' rewards all got lost."""
    optimization = make_visited_optimization(holdout_percentage=25)
    lose_rewards_of_holdout(optimization)
    return train_and_return(optimization)


def lose_rewards_of_holdout(optimization: Optimization) -> None:
    """Delete the rewards of all held-out users."""
    held_out = _list_users(optimization, in_holdout=True)
    ManagedReward.objects.filter(anonymous_id__in=held_out).delete()


def make_violated_guardrail(**fields: Any) -> tuple[Optimization, Metric]:
    """Make a trained optimization whose optimized arm refunds far more; and the metric."""
    organization = make_organization()
    refunds = make_metric(
        organization, name="Refunds", sql=REFUND_SQL, direction="decrease"
    )
    optimization = make_visited_optimization(
        organization, guardrail_metric_ids=[refunds.pk], **fields
    )
    send_refunds(optimization, every_nth_optimized=2)
    return train_and_return(optimization), refunds


def break_metric(optimization: Optimization, metric: Metric) -> None:
    """Redefine the metric so that the warehouse fails at the rewards just sent."""
    send_refunds(optimization, every_nth_optimized=2)
    metric.sql = BROKEN_SQL
    metric.save()


def send_refunds(optimization: Optimization, *, every_nth_optimized: int) -> None:
    """Send a refund of every tenth held-out user, and of the optimized ones as asked."""
    users = _list_users(optimization, in_holdout=True)[::10]
    users += _list_users(optimization, in_holdout=False)[::every_nth_optimized]
    _send_rewards_at_exposure(optimization, users, "refund")


def send_purchases_of_holdout(optimization: Optimization, *, every_nth: int) -> None:
    """Send a purchase of every n-th held-out user, and of nobody else."""
    users = _list_users(optimization, in_holdout=True)[::every_nth]
    _send_rewards_at_exposure(optimization, users, "purchase")


def send_purchases_of_optimized(optimization: Optimization) -> None:
    """Send a purchase of every user who is not held out."""
    users = _list_users(optimization, in_holdout=False)
    _send_rewards_at_exposure(optimization, users, "purchase")


def _send_rewards_at_exposure(
    optimization: Optimization, users: list[str], name: str
) -> None:
    exposures = ManagedExposure.objects.filter(optimization_id=optimization.pk)
    exposed = dict(exposures.values_list("anonymous_id", "timestamp_utc"))
    rewards = [
        {"anonymous_id": user, "name": name, "timestamp": exposed[user].isoformat()}
        for user in users
    ]
    traffic.send_rewards(optimization, rewards)


def _list_users(optimization: Optimization, *, in_holdout: bool) -> list[str]:
    exposures = ManagedExposure.objects.filter(optimization_id=optimization.pk)
    threshold = snapshot.compute_holdout_threshold(optimization.holdout_percentage)
    return [
        user
        for user in exposures.order_by("anonymous_id").values_list(
            "anonymous_id", flat=True
        )
        if decision.is_in_holdout(str(optimization.pk), user, threshold) == in_holdout
    ]


def call_tool(api: Api, tool: str, **arguments: Any) -> Json:
    """Call an MCP tool in this process; return its structured answer."""
    response = api.request(
        "POST",
        "/mcp",
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": tool, "arguments": arguments},
        },
        {"Accept": "application/json, text/event-stream"},
        base="",
    )
    assert response.status_code == 200, response.content
    answer: Json = read_body(response)["result"]["structuredContent"]
    return answer


def make_admin_api(optimization: Optimization) -> Api:
    """Return the API client of an admin of the organization."""
    return factories.make_admin_api(optimization.organization)
