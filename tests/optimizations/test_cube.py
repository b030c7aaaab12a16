"""The cube in the managed store: counted by hand, sealed, opened again by late rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from levered_site.errors import ConflictError
from optimizations import cells, cube, look_back
from optimizations.cube import Observed
from optimizations.models import CubeDay, Decision, Optimization
from tests.optimizations import factories, traffic
from warehouse import sealing
from warehouse.models import Connection, LateDay, ManagedExposure, ManagedReward
from warehouse.sql.cube import Cell

# Each refresh reads through a connection of its own: events must be committed.
pytestmark = pytest.mark.django_db(transaction=True)

B = {"headline": "B", "cta": True}


def make(**fields: Any) -> Optimization:
    """Make a live optimization without holdout."""
    return factories.optimization(
        factories.organization(), **({"holdout_percentage": 0} | fields)
    )


def day(back: int, hour: int = 10) -> datetime:
    """Name an hour of a day, so many days ago."""
    today = timezone.now().replace(minute=0, second=0, microsecond=0)
    return (today - timedelta(days=back)).replace(hour=hour)


def refreshed(optimization: Optimization, as_of: datetime | None = None) -> Observed:
    """Count, as training does."""
    assert optimization.reward_metric is not None
    return cube.refresh(
        optimization, optimization.reward_metric, as_of or timezone.now()
    )


def refreshed_long_after(optimization: Optimization) -> Observed:
    """Count when what was sent in so far came long ago."""
    for events in (ManagedExposure, ManagedReward):
        events.objects.update(created_at=F("created_at") - 2 * look_back.MARGIN)
    LateDay.objects.update(noted_at=F("noted_at") - 2 * look_back.MARGIN)
    return refreshed(optimization)


def show(optimization: Optimization, user: str, at: datetime, **fields: Any) -> None:
    """Ingest one exposure."""
    event = traffic.exposure(optimization, user, timestamp=at.isoformat(), **fields)
    traffic.send_exposures(optimization, [event])


def buy(optimization: Optimization, user: str, at: datetime) -> None:
    """Ingest one purchase."""
    event = traffic.reward(user, timestamp=at.isoformat())
    traffic.send_rewards(optimization, [event])


def users_by_day(observed: Observed) -> dict[Any, int]:
    """Count users by day of first touch."""
    found: dict[Any, int] = {}
    for cell in observed.cells:
        found[cell.day] = found.get(cell.day, 0) + cell.users
    return found


def test_cells_equal_a_count_by_hand() -> None:
    optimization = make()
    show(optimization, "ann", day(5), context={"device": "mobile"})
    show(optimization, "ann", day(5, 12), variant=B)  # crosses; the first touch counts
    show(optimization, "bob", day(5), context={"device": "mobile"})
    show(optimization, "cid", day(5), context={"device": "toaster"}, policy_version=4)
    show(optimization, "dan", day(4), variant=B)
    buy(optimization, "ann", day(5, 11))
    buy(optimization, "ann", day(5, 13))
    buy(optimization, "dan", day(2))  # beyond 24 hours
    buy(optimization, "eve", day(5))  # never exposed

    observed = refreshed(optimization)

    counted = {
        (cell.day, cell.variant, cell.context, cell.policy_version): (
            cell.users,
            cell.exposures,
            cell.converted,
            cell.mature,
            cell.holdout,
        )
        for cell in observed.cells
    }
    assert counted == {
        (day(5).date(), 1, 0, None): (2, 3, 1, True, False),
        (day(5).date(), 1, 2, 4): (1, 1, 0, True, False),
        (day(4).date(), 4, 3, None): (1, 1, 0, True, False),
    }
    assert observed.crossover_users == 1
    assert (sum(observed.lags), observed.lags[1]) == (1, 1)
    assert observed.rows_read == 5


def test_a_serve_record_is_the_first_touch_and_counts_a_user_once() -> None:
    optimization = make()
    show(optimization, "ann", day(3))
    show(optimization, "bob", day(3))
    refreshed(optimization)
    _serve(optimization, "ann", timezone.now() - timedelta(hours=1))

    observed = refreshed(optimization)

    today = (timezone.now() - timedelta(hours=1)).date()
    assert users_by_day(observed) == {day(3).date(): 1, today: 1}


def test_days_are_sealed_after_the_horizon_and_the_allowance_for_late_rows() -> None:
    optimization = make()
    for back in (6, 3, 1):
        show(optimization, f"user-{back}", day(back))

    refreshed(optimization)

    sealed = dict(CubeDay.objects.values_list("day", "sealed"))
    assert min(sealed) == day(6).date()
    assert max(sealed) == timezone.now().date()
    assert len(sealed) == 7
    assert [back for back in range(7) if sealed[day(back).date()]] == [3, 4, 5, 6]


def test_a_sealed_day_is_not_counted_again_without_late_rows() -> None:
    optimization = make()
    show(optimization, "ann", day(6))
    first = refreshed_long_after(optimization)
    show(optimization, "ann", timezone.now())  # comes back: that is not late
    buy(optimization, "ann", timezone.now())

    second = refreshed(optimization)

    kept = CubeDay.objects.get(day=day(6).date())
    assert kept.computed_at == first.as_of
    assert second.as_of is not None
    assert first.as_of is not None
    assert second.as_of > first.as_of
    assert users_by_day(second) == users_by_day(first)


def test_a_late_reward_opens_its_day_alone() -> None:
    optimization = make()
    show(optimization, "ann", day(6))
    show(optimization, "bob", day(5))
    first = refreshed_long_after(optimization)
    buy(optimization, "ann", day(6, 12))

    second = refreshed(optimization)

    days = dict(CubeDay.objects.values_list("day", "computed_at"))
    assert (days[day(6).date()], days[day(5).date()]) == (second.as_of, first.as_of)
    assert [sum(cell.converted for cell in each.cells) for each in (first, second)] == [
        0,
        1,
    ]
    assert CubeDay.objects.get(day=day(6).date()).sealed


def test_an_earlier_touch_that_comes_late_moves_its_user() -> None:
    optimization = make()
    show(optimization, "ann", day(5))
    show(optimization, "bob", day(5))
    show(optimization, "cid", day(7))
    first = refreshed_long_after(optimization)

    show(optimization, "ann", day(7))
    second = refreshed(optimization)

    assert users_by_day(first) == {day(7).date(): 1, day(5).date(): 2}
    assert users_by_day(second) == {day(7).date(): 2, day(5).date(): 1}


def test_history_from_before_the_launch_belongs_to_the_first_regime() -> None:
    optimization = make()
    show(optimization, "ann", day(8))

    observed = refreshed(optimization)

    assert [(cell.regime, cell.day) for cell in observed.cells] == [(1, day(8).date())]


def test_another_organizations_events_are_not_counted() -> None:
    optimization, other = make(), make()
    show(optimization, "ann", day(3))
    show(other, "ann", day(3))
    buy(other, "ann", day(3, 11))

    observed = refreshed(optimization)

    assert [(cell.users, cell.converted) for cell in observed.cells] == [(1, 0)]


def test_users_left_out_later_leave_sealed_days_too() -> None:
    optimization = make()
    show(optimization, "ann", day(5))
    show(optimization, "bot-1", day(5))
    refreshed(optimization)
    optimization.excluded_users = ["bot-*"]
    optimization.save()

    observed = refreshed(optimization)

    assert users_by_day(observed) == {day(5).date(): 1}


def test_a_changed_metric_opens_a_regime() -> None:
    optimization = make()
    show(optimization, "ann", day(1))
    refreshed(optimization)
    metric = optimization.reward_metric
    assert metric is not None
    metric.revision += 1
    metric.save()

    refreshed(optimization)

    reasons = list(optimization.regimes.values_list("reason", flat=True))
    assert reasons == ["went live", "metric changed"]


def test_an_older_count_does_not_replace_a_newer_one() -> None:
    optimization = make()
    show(optimization, "ann", day(1))
    newer = refreshed(optimization)

    refreshed(optimization, timezone.now() - timedelta(hours=20))

    stored = set(CubeDay.objects.values_list("computed_at", flat=True))
    assert stored == {newer.as_of}


def test_a_draft_or_a_warehouse_without_source_is_refused_and_nothing_stored() -> None:
    organization = factories.organization()
    metric = factories.metric(organization)
    draft = factories.optimization(
        organization, status="draft", reward_metric_id=metric.pk
    )
    connected = make()
    server = {"host": "db", "database": "x", "username": "x", "password": "x"}
    Connection.objects.create(
        organization=connected.organization,
        provider="postgres",
        credentials=sealing.seal(server),
    )

    with pytest.raises(ConflictError, match="has not been live"):
        refreshed(draft)
    with pytest.raises(ConflictError, match="assignment source"):
        refreshed(connected)

    assert not CubeDay.objects.exists()


def test_a_day_reads_back_as_it_was_written() -> None:
    cell = Cell(
        regime=2,
        day=day(1).date(),
        policy_version=None,
        holdout=True,
        variant=1,
        context=7,
        outcome="größer",
        mature=False,
        hour=datetime(2026, 3, 1, 5, tzinfo=UTC),
        users=3,
        exposures=4,
        converted=1,
        value_sum=0.1,
        value_sum_squares=0.01,
        payers=1,
        log_sum=-2.3,
        log_sum_squares=5.29,
    )
    full = cells.Day(cell.day, (cell, cell), tuple(range(32)), 1, 2, "0123456789abcdef")
    empty = cells.Day(cell.day, (), (0,) * 32, 0, 0, "0123456789abcdef")

    read = [cells.read(cell.day, cells.write(each)) for each in (full, empty)]

    assert read == [full, empty]


def _serve(optimization: Optimization, user: str, at: datetime) -> None:
    Decision.objects.create(
        id=1,
        organization_id=optimization.organization_id,
        optimization_id=optimization.pk,
        anonymous_id=user,
        variant_number=1,
        variant=optimization.variants.get(number=1).variant_key,
        context="{}",
        in_holdout=False,
        policy_version=0,
        propensity=0.25,
        decided_at=at,
    )
