"""The data of deleted optimizations: kept as long as receipts, then gone."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import AuditEntry
from models_app.models import BanditModel, PolicyVersion, TrainingRun
from optimizations import tasks
from optimizations.configuration import lifecycle, purge
from optimizations.models import Assignment, CubeDay, Optimization, Variant
from tests.support import optimization_factories, traffic
from tests.support.learning import headline_b_rate
from tests.support.serve_requests import serve_user
from tests.support.training_workers import request_run, run_here

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timezone.now()


def make_deleted(days_ago: float) -> Optimization:
    """Make an optimization that served and learned, and was deleted then."""
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    traffic.simulate_visitors(
        optimization, NOW - timedelta(days=2), 50, headline_b_rate
    )
    serve_user(optimization, "ann")
    run_here(request_run(optimization))
    lifecycle.archive_optimization(optimization, SYSTEM_ACTOR)
    lifecycle.delete_optimization(optimization, SYSTEM_ACTOR)
    Optimization.objects.filter(pk=optimization.pk).update(
        deleted_at=NOW - timedelta(days=days_ago)
    )
    return optimization


def test_what_a_deleted_optimization_left_goes_after_the_retention() -> None:
    old, recent = make_deleted(settings.RETENTION_DAYS + 3), make_deleted(1)

    count = purge.purge_deleted(NOW)

    assert count == 1
    assert list(Optimization.objects.all()) == [recent]
    assert list(BanditModel.objects.all()) == [recent.model]
    assert {each.optimization_id for each in Assignment.objects.all()} == {recent.pk}
    for days in (CubeDay.objects, Variant.objects):
        assert set(days.values_list("optimization_id", flat=True)) == {recent.pk}
    for rows in (PolicyVersion.objects, TrainingRun.objects):
        assert set(rows.values_list("model_id", flat=True)) == {recent.model_id}
    (entry,) = AuditEntry.objects.filter(action="optimization.purge")
    assert entry.organization_id == old.organization_id


def test_the_clock_purges_and_leaves_living_optimizations_alone() -> None:
    living = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    make_deleted(settings.RETENTION_DAYS + 3)

    tasks.purge_deleted()

    assert list(Optimization.objects.all()) == [living]
