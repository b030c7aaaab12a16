"""Exposures dated while an optimization was not live do not count, and are reported."""

import importlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db.models import QuerySet
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import AuditEntry
from optimizations.configuration import lifecycle, recording_gaps, unarchiving
from optimizations.cube import refresh, specification
from optimizations.models import FirstTouch, Optimization, RecordingGap
from tests.support import (
    cube_comparison,
    factories,
    optimization_factories,
    reference_cube,
    traffic,
    warehouse_events,
)
from tests.support.cube_events import days_ago, hour_of_day_back, make_optimization
from tests.support.event_batches import build_batch
from tests.support.factories import Api, read_body, read_error
from tests.support.reference_cube import Reward, Touch
from warehouse.models import ManagedExposure
from warehouse.sql.cube.statement import Cube

pytestmark = pytest.mark.django_db(transaction=True)

A, B = (f'{{"cta":false,"headline":"{level}"}}' for level in "AB")
LAUNCH, PAUSE, RESUME = (hour_of_day_back(back) for back in (9, 7, 5))
HISTORY = [
    Touch("before", LAUNCH - timedelta(days=1), A, "{}", 0),
    Touch("live", LAUNCH + timedelta(hours=1), A, "{}", 0),
    Touch("live", LAUNCH + timedelta(hours=2), B, "{}", 0),
    Touch("edge", PAUSE, A, "{}", 0),
    Touch("paused", PAUSE + timedelta(hours=3), A, "{}", 0),
    Touch("paused then live", PAUSE + timedelta(hours=30), A, "{}", 0),
    Touch("paused then live", RESUME + timedelta(hours=1), B, "{}", 0),
    Touch("resumed", RESUME, A, "{}", 0),
]
REWARDS = [Reward(touch.user, touch.at + timedelta(minutes=5)) for touch in HISTORY]


def _make_world(**fields: Any) -> Optimization:
    """Make an optimization that went live, was paused and went live again in the past."""
    optimization = make_optimization(**fields)
    _date_launch(optimization, LAUNCH)
    RecordingGap.objects.create(
        optimization=optimization, starts_at=PAUSE, ends_at=RESUME, status="paused"
    )
    warehouse_events.store_events(
        optimization.organization_id, str(optimization.pk), HISTORY, REWARDS
    )
    return optimization


def _date_launch(optimization: Optimization, at: datetime) -> None:
    optimization.went_live_at = at
    optimization.save()
    optimization.regimes.update(starts_at=at)


def _read_checks(optimization: Optimization) -> dict[str, Any]:
    api = factories.make_member_api(optimization.organization)
    path = f"/optimizations/{optimization.pk}/results?refresh=true"
    checks: dict[str, Any] = read_body(api.get(path))["checks"]
    return checks


def test_counts_equal_brute_force_and_accepted_less_explained_is_counted() -> None:
    optimization = _make_world()
    metric = optimization.reward_metric
    assert metric is not None

    for _ in range(2):  # the second time first touches are remembered
        refresh.count_open_days(optimization, metric, timezone.now(), full=True)

    cube = refresh.load_cube(optimization, metric)
    counted = Cube(cube.cells, cube.lags, cube.crossover_users, 0, 0)
    spec = specification.build_cube_spec(optimization, metric, timezone.now())
    spec = replace(spec, days=tuple({touch.at.date() for touch in HISTORY}))
    expected = reference_cube.build_reference_cube(spec, HISTORY, REWARDS)
    assert cube_comparison.normalize_cube(counted) == cube_comparison.normalize_cube(
        replace(expected, days=(), arm_mismatch_users=0)
    )
    remembered = set(FirstTouch.objects.values_list("anonymous_id", flat=True))
    assert remembered == {"before", "live", "paused then live", "resumed"}
    checks = _read_checks(optimization)
    uncounted = checks["uncounted_exposures"]
    assert uncounted["by_reason"] == {"paused": 3}
    assert (uncounted["exposures"], uncounted["share"], uncounted["ok"]) == (
        3,
        3 / 8,
        False,
    )
    assert checks["imported_history"]["by_reason"] == {"before_launch": 1}
    exposures = sum(cell.exposures for cell in cube.cells)
    assert len(HISTORY) - uncounted["exposures"] == exposures


def test_ingestion_refuses_exposures_of_a_pause_by_index() -> None:
    optimization = _make_world()
    api = Api(factories.make_api_key(optimization.organization))
    moments = [PAUSE - timedelta(seconds=1), PAUSE, RESUME]
    batch = [
        traffic.build_exposure(optimization, f"u{number}", timestamp=at.isoformat())
        for number, at in enumerate(moments)
    ]

    answer = api.post("/ingest/exposures", build_batch(*batch))

    (rejected,) = read_body(answer)["rejected"]
    assert (answer.status_code, rejected["index"]) == (207, 1)
    assert rejected["message"].startswith(
        "timestamp: the optimization was paused from "
    )


@pytest.mark.parametrize("status", ["paused", "shipped"])
def test_exposures_of_now_are_refused_while_it_is_not_live(status: str) -> None:
    optimization = make_optimization()
    api = Api(factories.make_api_key(optimization.organization))
    lifecycle.change_status(optimization, status, SYSTEM_ACTOR, confirm=True)
    exposure = traffic.build_exposure(optimization, "ann")

    refused = api.post("/ingest/exposures", build_batch(exposure))
    late = api.post(
        "/ingest/exposures",
        build_batch(
            traffic.build_exposure(
                optimization, "bob", timestamp=days_ago(0.001).isoformat()
            )
        ),
    )
    lifecycle.change_status(optimization, "live", SYSTEM_ACTOR)
    accepted = api.post("/ingest/exposures", build_batch(exposure))

    (problem,) = read_error(refused)["details"]
    assert problem["field"] == "events[0].timestamp"
    assert f"the optimization was {status} from " in problem["message"]
    assert (late.status_code, accepted.status_code) == (200, 200)


def test_exposures_that_come_after_the_end_are_counted_and_said() -> None:
    optimization = make_optimization()
    api = Api(factories.make_api_key(optimization.organization))
    traffic.send_exposures(optimization, [traffic.build_exposure(optimization, "ann")])
    lifecycle.stop_optimization(optimization, SYSTEM_ACTOR)
    optimization.refresh_from_db()
    assert optimization.ended_at is not None
    before = (optimization.ended_at - timedelta(seconds=30)).isoformat()
    late = traffic.build_exposure(optimization, "late", timestamp=before)
    over = traffic.build_exposure(optimization, "over")

    answer = api.post("/ingest/exposures", build_batch(late, over))

    assert [item["index"] for item in read_body(answer)["rejected"]] == [1]
    check = _read_checks(optimization)["imported_history"]
    assert check["by_reason"]["came_after_end"] == 1
    assert "sent after the end" in check["reason"]


def test_exposures_dated_ahead_do_not_count_once_it_is_paused() -> None:
    optimization = make_optimization()
    metric = optimization.reward_metric
    assert metric is not None
    ahead = (timezone.now() + timedelta(seconds=1)).isoformat()
    traffic.send_exposures(
        optimization, [traffic.build_exposure(optimization, "ann", timestamp=ahead)]
    )
    lifecycle.pause_optimization(optimization, SYSTEM_ACTOR)

    as_of = timezone.now() + timedelta(seconds=2)
    refresh.count_open_days(optimization, metric, as_of)

    assert ManagedExposure.objects.count() == 1
    assert refresh.load_cube(optimization, metric, as_of).cells == ()


def test_each_change_of_status_closes_a_gap_and_opens_the_next() -> None:
    optimization = make_optimization()
    for status in ("paused", "live", "shipped", "live", "paused", "completed"):
        optimization = lifecycle.change_status(
            optimization, status, SYSTEM_ACTOR, confirm=True
        )
    optimization = lifecycle.archive_optimization(optimization, SYSTEM_ACTOR)
    unarchiving.unarchive_optimization(optimization, SYSTEM_ACTOR)
    optimization.refresh_from_db()

    gaps = list(optimization.recording_gaps.order_by("starts_at"))

    assert [gap.status for gap in gaps] == [
        *("paused", "shipped", "paused", "completed", "archived", "completed"),
    ]
    assert [gap.ends_at is None for gap in gaps] == [*[False] * 5, True]
    spans = recording_gaps.list_gaps(optimization)
    assert [span.reason for span in spans] == ["paused", "shipped", "paused", "ended"]
    assert spans[-1].starts_at == optimization.ended_at


def test_a_draft_has_no_gaps() -> None:
    organization = optimization_factories.make_organization()
    draft = optimization_factories.make_optimization(organization, status="draft")

    lifecycle.archive_optimization(draft, SYSTEM_ACTOR)

    assert not RecordingGap.objects.exists()


def _write_as_before(entries: QuerySet[AuditEntry]) -> None:
    """Give entries the shape that they had when the migration was written."""
    for entry in entries:
        old = (entry.before or {})["status"]
        entry.changes = {**entry.changes, "status": [old, entry.changes["status"]]}
        entry.before = None
        entry.save()


def test_the_migration_reads_past_gaps_from_the_audit_log() -> None:
    optimization = make_optimization()
    for status in ("paused", "live", "shipped"):
        optimization = lifecycle.change_status(
            optimization, status, SYSTEM_ACTOR, confirm=True
        )
    _write_as_before(AuditEntry.objects.filter(before__has_key="status"))
    live = make_optimization()
    expected = list(
        RecordingGap.objects.order_by("starts_at").values_list("status", "ends_at")
    )
    RecordingGap.objects.all().delete()
    migration = importlib.import_module("optimizations.migrations.0012_recording_gaps")

    migration.fill(apps, None)

    gaps = RecordingGap.objects.order_by("starts_at").values_list("status", "ends_at")
    assert [status for status, _ in gaps] == ["paused", "shipped"]
    assert [(status, end is None) for status, end in gaps] == [
        (status, end is None) for status, end in expected
    ]
    assert not live.recording_gaps.exists()
