"""A metric changed while live: each regime is counted by the revision that it had."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from metrics.models import Metric, MetricRevision
from optimizations.configuration.revision_regimes import find_revisions
from optimizations.cube import (
    person_erasure,
    refresh,
)
from optimizations.models import CubeDay, Optimization
from tests.support.cube_events import days_ago, hour_of_day_back
from tests.support.factories import read_body
from tests.support.reference_cube import Reward
from tests.support.revised_metrics import (
    MAPPINGS,
    NAMES,
    SQL,
    World,
    define_metric,
    make_changed_world,
    make_visits,
    normalize_cells,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("is_guardrail", [False, True])
@pytest.mark.parametrize("kind", MAPPINGS)
def test_each_regime_is_counted_by_its_own_revision_whenever_it_is_counted(
    kind: str, *, is_guardrail: bool
) -> None:
    world = make_changed_world(kind, is_guardrail=is_guardrail)

    def count_and_compare(as_of: datetime, *, full: bool = False) -> None:
        refresh.count_open_days(world.optimization, world.metric, as_of, full=full)
        world.assert_counted(as_of)

    count_and_compare(timezone.now())
    late = world.touches[0]
    at = late.at + timedelta(minutes=5)
    world.store([], [Reward(late.user, at, 2.0, name) for name in NAMES.values()])
    count_and_compare(timezone.now())
    count_and_compare(timezone.now() + timedelta(days=2))
    count_and_compare(timezone.now() + timedelta(days=9), full=True)

    assert {cell.regime for cell in world.list_stored_cells()} == {1, 2}
    assert MetricRevision.objects.get().sql == SQL.format(name="buy")


@pytest.mark.parametrize("is_guardrail", [False, True])
@pytest.mark.parametrize("kind", MAPPINGS)
def test_erased_people_stay_in_the_counts_of_a_replaced_revision(
    kind: str, *, is_guardrail: bool
) -> None:
    world = make_changed_world(kind, is_guardrail=is_guardrail)
    as_of = timezone.now()
    refresh.count_open_days(world.optimization, world.metric, as_of)
    before = world.list_stored_cells()
    buyers = {reward.user for reward in world.rewards if reward.name == "buy"}

    for user in sorted(user for user in buyers if user.startswith("sealed"))[:3]:
        person_erasure.erase_user(
            world.optimization.organization_id, user, SYSTEM_ACTOR
        )
    refresh.count_open_days(world.optimization, world.metric, as_of, full=True)

    assert normalize_cells(world.list_stored_cells()) == normalize_cells(before)
    world.assert_counted(as_of)


def test_only_the_present_revision_enters_figures_and_answers_say_since_when() -> None:
    world = make_changed_world("bool")
    since = world.optimization.regimes.get(number=2).starts_at
    as_of = timezone.now() + timedelta(days=3)
    refresh.count_open_days(world.optimization, world.metric, as_of)

    cube = refresh.load_cube(world.optimization, world.metric, as_of)
    path = f"/optimizations/{world.optimization.pk}"
    names = ("results", "progress", "holdout-daily", "outcome-mix")
    bodies = {name: read_body(world.api.get(f"{path}/{name}")) for name in names}
    notes = [
        bodies["results"]["notes"],
        bodies["progress"]["notes"],
        bodies["outcome-mix"]["notes"],
        bodies["holdout-daily"]["metrics"][0]["notes"],
    ]

    clicked = {reward.user for reward in world.rewards if reward.name == "click"}
    new_users = {touch.user for touch in world.touches if touch.user.startswith("new")}
    assert sum(cell.users for cell in cube.cells) == 60
    assert sum(cell.converted for cell in cube.cells) == len(clicked & new_users)
    assert sum(cube.lags) == len(clicked & new_users)
    measured = bodies["results"]["primary_metric_vs_holdout"]
    assert measured["holdout_exposures"] + measured["optimization_exposures"] == 60
    assert sum(row["users"] for row in bodies["results"]["variants"]) == 60
    assert sum(bodies["progress"]["users"].values()) == 60
    assert sum(row["users"] for row in bodies["outcome-mix"]["rows"]) == 60
    regimes = [
        (row["number"], row["metric_revision"], row["in_lift"])
        for row in measured["regimes"]
    ]
    assert regimes == [(1, 1, False), (2, 2, True)]
    bought = [reward for reward in world.rewards if reward.name == "buy"]
    old = measured["regimes"][0]
    rewarded = (
        old["holdout_rate"] * old["holdout_exposures"]
        + old["optimization_rate"] * old["optimization_exposures"]
    )
    buyers = {reward.user for reward in bought} - new_users
    assert rewarded == pytest.approx(len(buyers))
    for sentences in notes:
        assert len(sentences) == 1
        assert f"{since:%Y-%m-%d %H:%M} UTC" in sentences[0]


def test_a_guardrail_that_changed_is_judged_by_its_present_revision() -> None:
    world = make_changed_world("bool", is_guardrail=True)
    as_of = timezone.now() + timedelta(days=3)
    for metric in (world.metric, world.optimization.reward_metric):
        assert metric is not None
        refresh.count_open_days(world.optimization, metric, as_of)

    path = f"/optimizations/{world.optimization.pk}"
    (row,) = read_body(world.api.get(f"{path}/guardrails"))["guardrails"]
    results = read_body(world.api.get(f"{path}/results"))

    assert "was changed at" in row["notes"][0]
    reasons = list(world.optimization.regimes.values_list("reason", flat=True))
    assert reasons == ["went live", "guardrail metric changed"]
    assert results["notes"] == []
    assert sum(result["users"] for result in results["variants"]) == len(world.touches)


def test_a_metric_that_changes_twice_on_a_day_keeps_three_definitions() -> None:
    world = World("bool")
    world.store(*make_visits("first", [days_ago(3)], 10))
    for name in ("click", "buy"):
        world.change_metric(sql=SQL.format(name=name) + " AND true")
        world.store(*make_visits(name, [timezone.now()], 10))
    as_of = timezone.now() + timedelta(days=3)

    refresh.count_open_days(world.optimization, world.metric, as_of)

    converted = {
        regime: sum(
            cell.converted
            for cell in world.list_stored_cells()
            if cell.regime == regime
        )
        for regime in (1, 2, 3)
    }
    expected = {}
    for regime, (prefix, name) in enumerate(
        [("first", "buy"), ("click", "click"), ("buy", "buy")], start=1
    ):
        users = {
            reward.user
            for reward in world.rewards
            if reward.name == name and reward.user.startswith(prefix)
        }
        expected[regime] = len(users)
    assert converted == expected
    assert MetricRevision.objects.count() == 2


def test_a_definition_that_nobody_stored_keeps_the_counts_that_it_gave() -> None:
    world = make_changed_world("bool")
    world.change_metric(sql=SQL.format(name="click") + " AND true")
    before = [cell for cell in world.list_stored_cells() if cell.regime == 1]
    MetricRevision.objects.filter(number=1).delete()

    as_of = timezone.now() + timedelta(hours=1)
    refresh.count_open_days(world.optimization, world.metric, as_of, full=True)

    after = [cell for cell in world.list_stored_cells() if cell.regime == 1]
    assert normalize_cells(after) == normalize_cells(before)
    stored = CubeDay.objects.get(day=hour_of_day_back(0).date())
    assert stored.computed_at == as_of


def test_a_replaced_definition_that_fails_does_not_stop_the_present_one() -> None:
    world = make_changed_world("bool")
    before = [cell for cell in world.list_stored_cells() if cell.regime == 1]
    broken = "SELECT anonymous_id, 1 / (value - value) AS timestamp_utc FROM managed_dw.rewards"
    MetricRevision.objects.update(sql=broken)
    as_of = timezone.now() + timedelta(hours=1)

    refresh.count_open_days(world.optimization, world.metric, as_of, full=True)

    cells = world.list_stored_cells()
    old = [cell for cell in cells if cell.regime == 1]
    assert normalize_cells(old) == normalize_cells(before)
    assert sum(cell.users for cell in cells if cell.regime == 2) == 60


def test_a_guardrail_attached_later_was_counted_by_one_revision_until_it_changes() -> (
    None
):
    world = World("bool")
    guard = Metric.objects.get(pk=define_metric(world.api, "bool", "any"))
    path = f"/optimizations/{world.optimization.pk}"
    world.api.patch(path, {"holdout_percentage": 40})
    world.api.patch(path, {"guardrail_metric_ids": [str(guard.pk)]})

    world.api.patch(f"/warehouse/metrics/{guard.pk}", {"sql": SQL.format(name="z")})

    guard.refresh_from_db()
    after = list(world.optimization.regimes.order_by("number"))
    assert find_revisions(after, guard) == {1: 1, 2: 1, 3: 2}


@pytest.mark.parametrize("status", ["shipped", "completed"])
def test_results_that_are_final_keep_the_revision_that_they_had(status: str) -> None:
    world = World("bool")
    world.store(*make_visits("first", [days_ago(3)], 20))
    refresh.count_open_days(world.optimization, world.metric, timezone.now())
    path = f"/optimizations/{world.optimization.pk}"
    action = {"shipped": "ship", "completed": "stop"}[status]
    world.api.post(f"{path}/{action}", {"confirm": True} if action == "ship" else {})
    before = read_body(world.api.get(f"{path}/results?refresh=true"))

    world.change_metric()
    after = read_body(world.api.get(f"{path}/results?refresh=full"))

    assert Optimization.objects.get(pk=world.optimization.pk).status == status
    assert after["notes"] == before["notes"]
    assert after["variants"] == before["variants"]
    assert sum(row["conversions"] for row in after["variants"]) > 0
