"""Data of older versions: upgraded without reporting a change that did not happen."""

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


def test_a_regime_without_a_source_takes_the_present_source(
    second: SecondServer,
) -> None:
    _, optimization_body = launch_optimization(second)
    Regime.objects.update(source="")

    changed_by_upgrade = regimes.open_regime_if_changed(
        Optimization.objects.get(pk=optimization_body["id"])
    )
    regime_source = Regime.objects.get().source
    source = AssignmentSource.objects.get()
    source.sql += " AND version <> 'x'"
    source.save()
    changed_by_edit = regimes.open_regime_if_changed(
        Optimization.objects.get(pk=optimization_body["id"])
    )

    assert (changed_by_upgrade, changed_by_edit) == (False, True)
    assert regime_source


def _note_late_days() -> None:
    migration = importlib.import_module("warehouse.migrations.0006_late_before_notes")
    with connection.schema_editor(atomic=False) as editor:
        migration.note(None, editor)


def test_late_days_from_before_the_notes_are_noted_once() -> None:
    optimization = optimization_factories.make_optimization(make_organization())
    exposures = [
        traffic.build_exposure(
            optimization,
            f"user {days}",
            timestamp=(timezone.now() - timedelta(days=days)).isoformat(),
        )
        for days in (9.0, 40.0, 0.1)
    ]
    traffic.send_exposures(optimization, exposures)
    noted = sorted(LateDay.objects.values_list("day", flat=True))
    LateDay.objects.all().delete()

    _note_late_days()
    _note_late_days()

    assert len(noted) == 2
    assert sorted(LateDay.objects.values_list("day", flat=True)) == noted


def test_events_on_time_are_not_noted() -> None:
    optimization = optimization_factories.make_optimization(make_organization())
    moment = timezone.now() - timedelta(days=9)
    exposure = traffic.build_exposure(
        optimization, "user", timestamp=moment.isoformat()
    )
    traffic.send_exposures(optimization, [exposure])
    ManagedExposure.objects.update(created_at=F("timestamp_utc"))
    LateDay.objects.all().delete()

    _note_late_days()

    assert not LateDay.objects.exists()


def _list_check_ids() -> list[str | None]:
    messages = run_checks(tags=["database"], databases=["default"])
    return [message.id for message in messages]


def test_a_check_warns_if_every_user_may_change_settings() -> None:
    closed = _list_check_ids()
    with connection.cursor() as cursor:
        cursor.execute(settings_closed.OPEN_SETTINGS)
    opened = _list_check_ids()
    with connection.cursor() as cursor:
        cursor.execute(settings_closed.CLOSE_SETTINGS)
    closed_again = _list_check_ids()

    assert (closed, opened, closed_again) == ([], ["warehouse.W001"], [])


def test_a_check_warns_if_a_query_may_fill_the_disk() -> None:
    as_superuser = _list_check_ids()
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE plain_user; SET ROLE plain_user")
        without_grant = _list_check_ids()
        cursor.execute(
            "RESET ROLE; GRANT SET ON PARAMETER temp_file_limit TO plain_user"
        )
        cursor.execute("SET ROLE plain_user")
        with_grant = _list_check_ids()
        cursor.execute("RESET ROLE; DROP OWNED BY plain_user; DROP ROLE plain_user")

    assert "warehouse.W002" not in as_superuser
    assert "warehouse.W002" in without_grant
    assert "warehouse.W002" not in with_grant
