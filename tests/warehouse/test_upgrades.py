"""What was kept by an older version: met as it is, without a change that never was."""

import importlib
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.db.models import F
from django.utils import timezone

from metrics.models import AssignmentSource
from optimizations.configuration import regimes
from optimizations.models import Optimization, Regime
from tests.support import optimization_factories, traffic
from tests.support.factories import make_organization
from tests.support.second_postgres import SecondServer
from tests.support.shop import launch_optimization
from warehouse.models import LateDay, ManagedExposure

settings_closed = importlib.import_module("warehouse.migrations.0004_settings_closed")

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_regime_that_knew_no_source_takes_up_the_present_one(
    second: SecondServer,
) -> None:
    _, made = launch_optimization(second)
    Regime.objects.update(source="")

    taken_up = regimes.open_regime_if_changed(Optimization.objects.get(pk=made["id"]))
    known = Regime.objects.get().source
    source = AssignmentSource.objects.get()
    source.sql += " AND version <> 'x'"
    source.save()
    followed = regimes.open_regime_if_changed(Optimization.objects.get(pk=made["id"]))

    assert (taken_up, followed) == (False, True)
    assert known


def _note_late_days() -> None:
    migration = importlib.import_module("warehouse.migrations.0006_late_before_notes")
    with connection.schema_editor(atomic=False) as editor:
        migration.note(None, editor)


def test_days_that_were_late_before_notes_are_noted_once() -> None:
    optimization = optimization_factories.make_optimization(make_organization())
    came = [
        traffic.build_exposure(
            optimization,
            f"user {days}",
            timestamp=(timezone.now() - timedelta(days=days)).isoformat(),
        )
        for days in (9.0, 40.0, 0.1)
    ]
    traffic.send_exposures(optimization, came)
    noted = sorted(LateDay.objects.values_list("day", flat=True))
    LateDay.objects.all().delete()

    _note_late_days()
    _note_late_days()

    assert len(noted) == 2
    assert sorted(LateDay.objects.values_list("day", flat=True)) == noted


def test_what_came_in_time_is_not_noted() -> None:
    optimization = optimization_factories.make_optimization(make_organization())
    ago = timezone.now() - timedelta(days=9)
    came = traffic.build_exposure(optimization, "user", timestamp=ago.isoformat())
    traffic.send_exposures(optimization, [came])
    ManagedExposure.objects.update(created_at=F("timestamp_utc"))
    LateDay.objects.all().delete()

    _note_late_days()

    assert not LateDay.objects.exists()


def _found() -> list[str | None]:
    return [each.id for each in run_checks(tags=["database"], databases=["default"])]


def test_a_check_tells_when_anybody_may_change_settings_again() -> None:
    closed = _found()
    with connection.cursor() as cursor:
        cursor.execute(settings_closed.OPEN_SETTINGS)
    opened = _found()
    with connection.cursor() as cursor:
        cursor.execute(settings_closed.CLOSE_SETTINGS)

    assert (closed, opened, _found()) == ([], ["warehouse.W001"], [])
