"""Rows that come after the figures of an optimization are final are named."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Max
from django.http import HttpRequest
from django.utils import timezone

from levered_site import database
from levered_site.organizations.actors import SYSTEM_ACTOR
from metrics.models import Metric
from optimizations.admin.tabs import results as results_tab
from optimizations.configuration import lifecycle
from optimizations.models import Optimization
from tests.support import optimization_factories, traffic
from tests.support.cube_events import days_ago, make_optimization
from tests.support.factories import read_body
from tests.support.optimization_factories import make_metric, make_organization
from tests.support.result_visitors import make_member_api
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = days_ago(6)


def make_visited(guardrail: Metric | None = None) -> Optimization:
    """Make an optimization whose users were seen days ago and just now."""
    optimization = (
        make_optimization()
        if guardrail is None
        else optimization_factories.make_optimization(
            guardrail.organization,
            holdout_percentage=0,
            guardrail_metric_ids=[guardrail.pk],
        )
    )
    optimization.went_live_at = days_ago(9)
    optimization.save()
    optimization.regimes.update(starts_at=days_ago(9))
    visits = [(f"old-{n}", LONG_AGO) for n in range(5)]
    visits += [(f"new-{n}", days_ago(0.02)) for n in range(5)]
    send_exposures(optimization, visits)
    return optimization


def send_exposures(
    optimization: Optimization, visits: list[tuple[str, datetime]]
) -> None:
    """Send exposures of users at these times."""
    traffic.send_exposures(
        optimization,
        [
            traffic.build_exposure(optimization, user, timestamp=at.isoformat())
            for user, at in visits
        ],
    )


def send_reward(optimization: Optimization, user: str, at: datetime) -> datetime:
    """Send a purchase; return when it was stored."""
    reward = traffic.build_reward(user, timestamp=at.isoformat())
    traffic.send_rewards(optimization, [reward])
    stored = ManagedReward.objects.aggregate(last=Max("created_at"))["last"]
    assert isinstance(stored, datetime)
    return stored


def refresh(optimization: Optimization, name: str = "results") -> dict[str, Any]:
    """Have all counted, and return an answer."""
    path = f"/optimizations/{optimization.pk}/{name}?refresh=true"
    body: dict[str, Any] = read_body(make_member_api(optimization).get(path))
    return body


def count_rewarded(results: dict[str, Any]) -> int:
    """Return the users with a reward."""
    return sum(row["rewarded_users"] for row in results["variants"])


def test_rows_that_come_after_the_end_are_named_with_the_last_time() -> None:
    optimization = make_visited()
    before = refresh(optimization)
    optimization = lifecycle.stop_optimization(optimization, SYSTEM_ACTOR)
    quiet = refresh(optimization)
    send_reward(optimization, "old-0", LONG_AGO + timedelta(minutes=1))  # a sealed day
    send_reward(optimization, "nobody", days_ago(0.01))
    send_exposures(optimization, [("late", days_ago(0.01))])
    last = send_reward(optimization, "new-0", days_ago(0.01))

    after, again = refresh(optimization), refresh(optimization)

    assert before["notes"] == quiet["notes"] == []
    assert optimization.ended_at is not None
    (note,) = after["notes"]
    assert results_tab.build_context(HttpRequest(), optimization)["notes"] == [note]
    assert note == (
        "2 rewards and 1 exposure dated before the end at "
        f"{optimization.ended_at:%Y-%m-%d %H:%M} UTC came after that, the last at "
        f"{last:%Y-%m-%d %H:%M} UTC: they count like those before."
    )
    assert again["notes"] == after["notes"]
    assert (count_rewarded(before), count_rewarded(after)) == (0, 2)
    for name in ("progress", "report-data"):
        body = refresh(optimization, name)
        assert body.get("results", body)["notes"] == [note]


# Every answer whose figures are sums over the counts of the reward, or of a guardrail.
ANSWERS = (
    *("results", "progress", "holdout-daily", "guardrails", "lift-history"),
    *("outcome-mix", "observations"),
)


def list_notes(name: str, body: dict[str, Any]) -> list[list[str]]:
    """Return the notes of an answer, each part's."""
    parts = {"holdout-daily": "metrics", "guardrails": "guardrails"}
    if name in parts:
        return [part["notes"] for part in body[parts[name]]]
    return [body["notes"]]


@pytest.mark.parametrize("decide", ["stop", "ship"])
def test_late_rows_are_named_in_every_answer(decide: str) -> None:
    guardrail = make_metric(make_organization())
    optimization = make_visited(guardrail)
    refresh(optimization)
    if decide == "stop":
        optimization = lifecycle.stop_optimization(optimization, SYSTEM_ACTOR)
    else:
        optimization = lifecycle.ship_optimization(
            optimization, SYSTEM_ACTOR, confirm=True
        )
    send_reward(optimization, "old-0", LONG_AGO + timedelta(minutes=1))
    send_exposures(optimization, [("late", days_ago(0.01))])

    (note,) = refresh(optimization)["notes"]

    assert note.startswith("1 reward and 1 exposure dated before ")
    api = make_member_api(optimization)
    for name in ANSWERS:
        body = read_body(api.get(f"/optimizations/{optimization.pk}/{name}"))
        notes = list_notes(name, body)
        assert notes, name
        assert all(part == [note] for part in notes), name
    whole = read_body(api.get(f"/optimizations/{optimization.pk}/report-data"))
    assert whole["outcome_mix"]["notes"] == [note]


def test_the_printed_statement_of_an_ended_optimization_names_late_rows() -> None:
    optimization = make_visited()
    optimization = lifecycle.stop_optimization(optimization, SYSTEM_ACTOR)
    send_reward(optimization, "new-0", days_ago(0.01))
    refresh(optimization)
    path = f"/optimizations/{optimization.pk}/results?sql=true"
    (printed,) = read_body(make_member_api(optimization).get(path))["sql"]

    with transaction.atomic(), connection.cursor() as cursor:
        organization = [optimization.organization_id]
        cursor.execute(
            "SELECT set_config('levered.organization_id', %s, true)", organization
        )
        cursor.execute(printed["statement"])
        rows = database.fetch_rows(cursor)

    late = {row.kind: row.users for row in rows if row.kind.startswith("late_")}
    assert late == {"late_rewards": 1}
    assert sum(row.converted for row in rows if row.kind == "cell") == 1


def test_rewards_that_users_earn_after_the_end_are_not_late() -> None:
    optimization = make_visited()
    optimization = lifecycle.stop_optimization(optimization, SYSTEM_ACTOR)
    send_reward(optimization, "new-0", timezone.now())

    results = refresh(optimization)

    assert results["notes"] == []
    assert count_rewarded(results) == 1


def test_rows_that_come_between_shipping_and_its_count_are_named() -> None:
    optimization = make_visited()
    refresh(optimization)
    optimization = lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)
    send_reward(optimization, "old-0", LONG_AGO + timedelta(minutes=1))
    last = send_reward(optimization, "new-0", days_ago(0.01))

    frozen = refresh(optimization)
    send_reward(optimization, "new-1", days_ago(0.01))
    after = refresh(optimization)

    (note,) = frozen["notes"]
    assert optimization.shipped_at is not None
    assert note.startswith(
        f"2 rewards dated before shipping at {optimization.shipped_at:%Y-%m-%d %H:%M} "
        f"UTC came after that, the last at {last:%Y-%m-%d %H:%M} UTC: "
    )
    assert note.endswith("what came later does not count.")
    assert count_rewarded(frozen) == 2
    assert after["notes"] == frozen["notes"]
    assert after["variants"] == frozen["variants"]


def test_a_shipment_that_is_undone_takes_its_notes_along() -> None:
    optimization = make_visited()
    optimization = lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)
    send_reward(optimization, "old-0", LONG_AGO + timedelta(minutes=1))
    named = refresh(optimization)
    lifecycle.change_status(optimization, "live", SYSTEM_ACTOR)
    optimization.refresh_from_db()

    live = refresh(optimization)

    assert len(named["notes"]) == 1
    assert live["notes"] == []


def test_rewards_that_a_guardrail_does_not_read_are_no_late_ones_of_it() -> None:
    organization = make_organization()
    refunds = make_metric(
        organization,
        sql=optimization_factories.SQL.replace("purchase", "refund"),
        direction="decrease",
    )
    optimization = optimization_factories.make_optimization(
        organization, guardrail_metric_ids=[refunds.pk]
    )
    send_exposures(optimization, [("ann", timezone.now())])
    optimization = lifecycle.stop_optimization(optimization, SYSTEM_ACTOR)
    assert optimization.ended_at is not None
    at = optimization.ended_at - timedelta(microseconds=1)
    send_reward(optimization, "ann", at)

    results = refresh(optimization)
    (row,) = refresh(optimization, "guardrails")["guardrails"]

    assert len(results["notes"]) == 1
    assert row["notes"] == []
