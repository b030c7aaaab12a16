"""A metric that is changed back has its earlier revision again, with its users."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from metrics.models import MetricRevision
from optimizations.cube import person_erasure, refresh, specification
from optimizations.models import CubeDay, Regime
from tests.support.cube_events import days_ago
from tests.support.factories import read_body
from tests.support.revised_metrics import (
    MAPPINGS,
    SQL,
    World,
    make_changed_world,
    make_visits,
    normalize_cells,
)
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

BUY = SQL.format(name="buy")


def make_world_changed_back(
    kind: str, *, is_guardrail: bool = False, days: float = 0
) -> World:
    """Change a metric, and change it back so many days later; users come all the time.

    The launch and the changes lie in the past for `days` above 0.
    """
    if not days:
        world = make_changed_world(kind, is_guardrail=is_guardrail)
    else:
        world = World(kind, is_guardrail=is_guardrail)
        world.store(*make_visits("sealed", [days_ago(19), days_ago(17)], 40))
        refresh.count_open_days(world.optimization, world.metric, timezone.now())
        world.change_metric()
        changed_at = days_ago(2 * days)
        Regime.objects.filter(number=1).update(starts_at=days_ago(20))
        Regime.objects.filter(number=2).update(starts_at=changed_at)
        between = [changed_at + timedelta(days=back) for back in (0.01, days / 2)]
        world.store(*make_visits("new", between, 60))
    refresh.count_open_days(world.optimization, world.metric, timezone.now())
    world.change_metric(sql=BUY)
    if days:
        Regime.objects.filter(number=3).update(starts_at=days_ago(days))
        after = [days_ago(days - 0.01), days_ago(0.1)]
    else:
        after = [timezone.now()]
    world.store(*make_visits("back", after, 30))
    return world


@pytest.mark.parametrize("days", [0, 3])
@pytest.mark.parametrize("is_guardrail", [False, True])
@pytest.mark.parametrize("kind", MAPPINGS)
def test_counts_equal_brute_force_when_a_metric_is_changed_back(
    kind: str, days: float, *, is_guardrail: bool
) -> None:
    world = make_world_changed_back(kind, is_guardrail=is_guardrail, days=days)

    as_of = timezone.now()
    for hours, full in ((0, False), (48, False), (240, False), (250, True)):
        as_of += timedelta(hours=hours)
        refresh.count_open_days(world.optimization, world.metric, as_of, full=full)
        world.assert_counted(as_of)

    cube = refresh.load_cube(world.optimization, world.metric, as_of)
    assert {cell.regime for cell in cube.cells} == {1, 3}
    others = set(cube.earlier_arrays.regime.tolist())
    assert others == {2}
    assert cube.earlier_arrays.users.sum() == 60
    users = sum(cell.users for cell in cube.cells)
    assert users == len(world.touches) - 60


def test_answers_name_the_revision_of_each_regime_and_who_is_left_out() -> None:
    world = make_world_changed_back("bool")
    as_of = timezone.now() + timedelta(days=3)
    refresh.count_open_days(world.optimization, world.metric, as_of)

    path = f"/optimizations/{world.optimization.pk}/results"
    results = read_body(world.api.get(path))

    rows = results["primary_metric_vs_holdout"]["regimes"]
    assert [
        (row["number"], row["metric_revision"], row["in_lift"], row["reason"])
        for row in rows
    ] == [
        (1, 1, True, "went live"),
        (2, 2, False, "metric changed"),
        (3, 1, True, "metric changed back"),
    ]
    users = sum(
        row["holdout_exposures"] + row["optimization_exposures"]
        for row in rows
        if row["in_lift"]
    )
    assert users == len(world.touches) - 60
    starts = [regime.starts_at for regime in world.optimization.regimes.all()]
    (note,) = results["notes"]
    assert f"changed at {starts[1]:%Y-%m-%d %H:%M} UTC" in note
    assert f"changed back at {starts[2]:%Y-%m-%d %H:%M} UTC" in note
    assert "users first touched in between" in note


def test_days_of_the_earlier_revision_are_not_counted_again() -> None:
    world = make_world_changed_back("bool", days=3)
    days = CubeDay.objects.filter(sealed=True, day__lt=days_ago(16).date())
    before = dict(days.values_list("day", "computed_at"))
    for events in (ManagedExposure, ManagedReward):  # none came lately
        events.objects.update(created_at=F("created_at") - timedelta(hours=1))

    as_of = timezone.now() + timedelta(minutes=1)
    refresh.count_open_days(world.optimization, world.metric, as_of)

    assert before
    assert dict(days.values_list("day", "computed_at")) == before


def test_erased_people_stay_in_the_counts_of_a_metric_that_was_changed_back() -> None:
    world = make_world_changed_back("bool")
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


def test_a_change_after_one_that_was_taken_back_has_a_new_number() -> None:
    world = World("bool")
    numbers = []
    for sql in (SQL.format(name="click"), BUY, SQL.format(name="view"), BUY):
        world.change_metric(sql=sql)
        numbers.append(world.metric.revision)

    assert numbers == [2, 1, 3, 1]
    stored = MetricRevision.objects.order_by("number").values_list("number", "sql")
    assert dict(stored) == {
        1: BUY,
        2: SQL.format(name="click"),
        3: SQL.format(name="view"),
    }


def test_white_space_outside_of_quotes_makes_no_other_definition() -> None:
    world = World("bool")
    spaced = BUY.replace(" WHERE", "\n  WHERE") + " ;\n"
    world.change_metric(sql=spaced)
    untouched = (world.metric.revision, world.metric.sql)
    world.change_metric(sql=SQL.format(name="buy  it"))
    quoted = world.metric.revision
    world.change_metric(sql=SQL.format(name="buy it"))

    assert untouched == (1, spaced)
    assert (quoted, world.metric.revision) == (2, 3)
    world.change_metric(sql=spaced)
    assert (world.metric.revision, world.metric.sql) == (1, spaced)
    assert world.optimization.regimes.count() == 4


@pytest.mark.parametrize(
    "formatted",
    [
        BUY.replace(" WHERE", "\n  WHERE") + " ;\n",
        f"-- what they bought\n{BUY}",
        BUY.replace(" FROM", " /* all of it */\nFROM") + " -- since then",
    ],
)
def test_a_change_of_white_space_or_comments_keeps_the_text_and_counts_nothing_again(
    formatted: str,
) -> None:
    world = World("bool")
    world.store(*make_visits("first", [days_ago(0.5)], 40))
    as_of = timezone.now()
    refresh.count_open_days(world.optimization, world.metric, as_of)
    for events in (ManagedExposure, ManagedReward):
        events.objects.update(created_at=F("created_at") - timedelta(hours=1))
    before = specification.build_cube_spec(world.optimization, world.metric, as_of)

    world.change_metric(sql=formatted)

    after = specification.build_cube_spec(world.optimization, world.metric, as_of)
    assert (world.metric.revision, world.metric.sql) == (1, formatted)
    answer = read_body(world.api.get(f"/warehouse/metrics/{world.metric.pk}"))
    assert answer["sql"] == formatted
    assert world.optimization.regimes.count() == 1
    assert after == before
    world.change_metric(sql=SQL.format(name="click"))
    world.change_metric(sql=BUY)
    assert (world.metric.revision, world.metric.sql) == (1, BUY)
    again = specification.build_cube_spec(world.optimization, world.metric, as_of)
    assert again.definition == before.definition


def test_a_comment_that_hides_a_condition_is_another_definition() -> None:
    world = World("bool")

    world.change_metric(sql=BUY.replace(" AND", " -- AND"))

    assert world.metric.revision == 2
