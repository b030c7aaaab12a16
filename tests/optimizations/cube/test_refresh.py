"""The cube of the managed store equals a count by hand of the own organization's events."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from levered_site.errors import ConflictError
from optimizations.cube import cell_columns, storage
from optimizations.models import CubeDay, Decision, Optimization
from tests.support import optimization_factories
from tests.support.cube_events import (
    count_users_by_day,
    hour_of_day_back,
    make_optimization,
    refresh_cube,
    send_exposure,
    send_purchase,
)
from warehouse import encryption
from warehouse.models import Connection
from warehouse.sql.cube.statement import Cell

# Each refresh reads through its own connection, so events must be committed.
pytestmark = pytest.mark.django_db(transaction=True)

B = {"headline": "B", "cta": True}


def test_cells_equal_a_count_by_hand() -> None:
    optimization = make_optimization()
    send_exposure(
        optimization, "ann", hour_of_day_back(5), context={"device": "mobile"}
    )
    send_exposure(
        optimization, "ann", hour_of_day_back(5, 12), variant=B
    )  # crosses over: the first touch counts
    send_exposure(
        optimization, "bob", hour_of_day_back(5), context={"device": "mobile"}
    )
    send_exposure(
        optimization,
        "cid",
        hour_of_day_back(5),
        context={"device": "toaster"},
        policy_version=4,
    )
    send_exposure(optimization, "dan", hour_of_day_back(4), variant=B)
    send_purchase(optimization, "ann", hour_of_day_back(5, 11))
    send_purchase(optimization, "ann", hour_of_day_back(5, 13))
    send_purchase(optimization, "dan", hour_of_day_back(2))  # beyond 24 hours
    send_purchase(optimization, "eve", hour_of_day_back(5))  # never exposed

    cube = refresh_cube(optimization)

    counts = {
        (cell.day, cell.variant, cell.context, cell.policy_version): (
            cell.users,
            cell.exposures,
            cell.converted,
            cell.mature,
            cell.holdout,
        )
        for cell in cube.cells
    }
    assert counts == {
        (hour_of_day_back(5).date(), 1, 0, None): (2, 3, 1, True, False),
        (hour_of_day_back(5).date(), 1, 2, 4): (1, 1, 0, True, False),
        (hour_of_day_back(4).date(), 4, 3, None): (1, 1, 0, True, False),
    }
    assert cube.crossover_users == 1
    assert (sum(cube.lags), cube.lags[1]) == (1, 1)
    assert cube.rows_read == 5


def test_a_serve_record_is_the_first_touch_and_counts_a_user_once() -> None:
    optimization = make_optimization()
    send_exposure(optimization, "ann", hour_of_day_back(3))
    send_exposure(optimization, "bob", hour_of_day_back(3))
    refresh_cube(optimization)
    _serve(optimization, "ann", timezone.now() - timedelta(hours=1))

    cube = refresh_cube(optimization)

    today = (timezone.now() - timedelta(hours=1)).date()
    assert count_users_by_day(cube) == {hour_of_day_back(3).date(): 1, today: 1}


def test_history_from_before_the_launch_belongs_to_the_first_regime() -> None:
    optimization = make_optimization()
    send_exposure(optimization, "ann", hour_of_day_back(8))

    cube = refresh_cube(optimization)

    assert [(cell.regime, cell.day) for cell in cube.cells] == [
        (1, hour_of_day_back(8).date())
    ]


def test_another_organizations_events_are_not_counted() -> None:
    optimization, other = make_optimization(), make_optimization()
    send_exposure(optimization, "ann", hour_of_day_back(3))
    send_exposure(other, "ann", hour_of_day_back(3))
    send_purchase(other, "ann", hour_of_day_back(3, 11))

    cube = refresh_cube(optimization)

    assert [(cell.users, cell.converted) for cell in cube.cells] == [(1, 0)]


def test_a_changed_metric_opens_a_regime() -> None:
    optimization = make_optimization()
    send_exposure(optimization, "ann", hour_of_day_back(1))
    refresh_cube(optimization)
    metric = optimization.reward_metric
    assert metric is not None
    metric.revision += 1
    metric.save()

    refresh_cube(optimization)

    reasons = list(optimization.regimes.values_list("reason", flat=True))
    assert reasons == ["went live", "metric changed"]


def test_an_older_count_does_not_replace_a_newer_one() -> None:
    optimization = make_optimization()
    send_exposure(optimization, "ann", hour_of_day_back(1))
    newer = refresh_cube(optimization)

    refresh_cube(optimization, timezone.now() - timedelta(hours=20))

    stored = set(CubeDay.objects.values_list("computed_at", flat=True))
    assert stored == {newer.as_of}


def test_a_draft_or_a_warehouse_without_source_is_refused_and_stores_nothing() -> None:
    organization = optimization_factories.make_organization()
    metric = optimization_factories.make_metric(organization)
    draft = optimization_factories.make_optimization(
        organization, status="draft", reward_metric_id=metric.pk
    )
    connected = make_optimization()
    server = {"host": "db", "database": "x", "username": "x", "password": "x"}
    Connection.objects.create(
        organization=connected.organization,
        provider="postgres",
        credentials=encryption.encrypt_credentials(server),
    )

    with pytest.raises(ConflictError, match="has not been live"):
        refresh_cube(draft)
    with pytest.raises(ConflictError, match="assignment source"):
        refresh_cube(connected)

    assert not CubeDay.objects.exists()


def test_a_day_reads_back_as_it_was_written() -> None:
    cell = Cell(
        regime=2,
        day=hour_of_day_back(1).date(),
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
    full = storage.StoredDay(
        cell.day, (cell, cell), tuple(range(32)), 1, 2, "0123456789abcdef"
    )
    lost = replace(
        cell, negatives=1, negative_log_sum=1.5, negative_log_sum_squares=2.25
    )
    losing = replace(full, cells=(cell, lost))
    empty = storage.StoredDay(cell.day, (), (0,) * 32, 0, 0, "0123456789abcdef")

    decoded = [
        storage.decode_day(cell.day, storage.encode_day(day))
        for day in (full, losing, empty)
    ]

    assert decoded == [full, losing, empty]


def test_only_days_with_negative_amounts_store_their_logs() -> None:
    days = [hour_of_day_back(2).date(), hour_of_day_back(1).date()]
    keys = (1, days[0], 0, False, 1, 0, None, True, None)
    plain = Cell(*keys, 2, 2, 1, 3.0, 9.0, 1, 1.1, 1.2)
    lost = replace(plain, day=days[1], payers=0, log_sum=0.0, negatives=1)

    columns = [cell_columns.collect_columns([cell]) for cell in (plain, lost)]
    read = [
        cell_columns.DayColumns.from_lists(day, lists)
        for day, lists in zip(days, columns, strict=True)
    ]

    assert "negatives" not in columns[0]
    assert cell_columns.build_payment_arrays(read).negatives.tolist() == [0, 1]


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
