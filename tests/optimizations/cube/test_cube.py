"""The cube in the managed store: cells as a count by hand gives them, of one's own alone."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from levered_site.errors import ConflictError
from optimizations.cube import storage
from optimizations.models import CubeDay, Decision, Optimization
from tests.support import optimization_factories
from tests.support.cube_counting import buy, day, make, refreshed, show, users_by_day
from warehouse import encryption
from warehouse.models import Connection
from warehouse.sql.cube.statement import Cell

# Each refresh reads through a connection of its own: events must be committed.
pytestmark = pytest.mark.django_db(transaction=True)

B = {"headline": "B", "cta": True}


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
    organization = optimization_factories.organization()
    metric = optimization_factories.metric(organization)
    draft = optimization_factories.optimization(
        organization, status="draft", reward_metric_id=metric.pk
    )
    connected = make()
    server = {"host": "db", "database": "x", "username": "x", "password": "x"}
    Connection.objects.create(
        organization=connected.organization,
        provider="postgres",
        credentials=encryption.seal(server),
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
    full = storage.Day(
        cell.day, (cell, cell), tuple(range(32)), 1, 2, "0123456789abcdef"
    )
    empty = storage.Day(cell.day, (), (0,) * 32, 0, 0, "0123456789abcdef")

    read = [storage.read(cell.day, storage.write(each)) for each in (full, empty)]

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
