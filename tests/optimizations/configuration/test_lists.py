"""Optimizations by REST: lists, their summaries, and what another organization sees."""

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from levered_site.organizations.models import AuditEntry
from models_app.models import BanditModel
from optimizations.models import Optimization, ResultsSummary, Variant
from optimizations.results.readings import list_summary
from tests.support import optimization_factories
from tests.support.factories import (
    make_admin_api,
    make_member_api,
    read_body,
    read_error,
)

pytestmark = pytest.mark.django_db


def test_lists_are_newest_first_and_leave_out_archived_optimizations() -> None:
    organization = optimization_factories.make_organization()
    api = make_admin_api(organization)
    first = optimization_factories.make_optimization(organization, name="First red")
    second = optimization_factories.make_optimization(
        organization, name="Second", status="draft"
    )
    archived_optimization = optimization_factories.make_optimization(
        organization, name="Gone red", status="draft"
    )
    api.post(f"/optimizations/{archived_optimization.pk}/archive")

    not_archived = read_body(api.get("/optimizations"))
    archived = read_body(api.get("/optimizations?include_archived=true&limit=2"))
    drafts = read_body(api.get("/optimizations?status=draft"))
    red = read_body(api.get("/optimizations?search=RED&include_archived=true"))

    assert [row["id"] for row in not_archived["optimizations"]] == [
        str(second.pk),
        str(first.pk),
    ]
    assert set(not_archived["optimizations"][0]) == {
        "id",
        "name",
        "status",
        "model_status",
        "model_id",
        "created_at",
        "updated_at",
        "summary",
    }
    assert not_archived["optimizations"][0]["summary"] is None
    assert not_archived["next_cursor"] is None
    assert len(archived["optimizations"]) == 2
    assert archived["next_cursor"]
    assert [row["id"] for row in drafts["optimizations"]] == [str(second.pk)]
    assert {row["id"] for row in red["optimizations"]} == {
        str(first.pk),
        str(archived_optimization.pk),
    }
    assert api.get("/optimizations?status=nope").status_code == 400
    assert api.get("/optimizations?include_archived=1").status_code == 400


def test_a_listed_optimization_has_the_summary_of_its_last_count() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    figures = {"lift": 8.2, "confidence": 0.97, "exposures": 1200}
    counted_at = timezone.now().replace(microsecond=0)
    ResultsSummary.objects.create(
        optimization=optimization, as_of=counted_at, **figures
    )

    body = read_body(make_member_api(organization).get("/optimizations"))

    row = body["optimizations"][0]
    assert row["summary"] == {
        "variants_count": 4,
        **figures,
        "lift_ci_anytime": None,
        "difference": None,
        "difference_ci": None,
        "difference_ci_anytime": None,
        "as_of": f"{counted_at:%Y-%m-%dT%H:%M:%SZ}",
        "unavailable": dict.fromkeys(
            (
                "lift_ci_anytime",
                "difference",
                "difference_ci",
                "difference_ci_anytime",
            ),
            list_summary.NOT_STORED,
        ),
        "notes": [],
        "health": {
            "status": "ok",
            "reasons": [],
            "as_of": f"{counted_at:%Y-%m-%dT%H:%M:%SZ}",
        },
    }


def test_a_list_costs_the_same_queries_however_long(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    organization = optimization_factories.make_organization()
    api = make_member_api(organization)
    for _ in range(5):
        optimization_factories.make_optimization(organization)

    with django_assert_max_num_queries(6):
        api.get("/optimizations")


def test_an_optimization_of_another_organization_is_not_found() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    stranger = make_admin_api(optimization_factories.make_organization())
    path = f"/optimizations/{optimization.pk}"
    before = Optimization.objects.values().get(pk=optimization.pk)

    answers = [
        stranger.get(path),
        stranger.patch(path, {"name": "mine"}),
        stranger.delete(path),
        stranger.post(f"{path}/ship"),
        stranger.post(f"{path}/stop"),
        stranger.post(f"{path}/archive"),
        stranger.get(f"{path}/variants"),
        stranger.patch(f"{path}/variants/2", {"enabled": False}),
        stranger.get(f"{path}/variants/by-number/1/screenshot"),
        stranger.get(f"{path}/decisions/u1"),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert read_body(stranger.get("/optimizations"))["optimizations"] == []
    assert Optimization.objects.values().get(pk=optimization.pk) == before


def test_a_metric_of_another_organization_is_refused() -> None:
    metric = optimization_factories.make_metric(
        optimization_factories.make_organization()
    )
    api = make_member_api(optimization_factories.make_organization())

    response = api.post(
        "/optimizations",
        optimization_factories.make_body(reward_metric_id=str(metric.pk)),
    )

    assert read_error(response)["details"][0]["field"] == "reward_metric_id"
    _assert_nothing_written()


def _assert_nothing_written() -> None:
    assert not Optimization.objects.exists()
    assert not BanditModel.objects.exists()
    assert not Variant.objects.exists()
    assert not AuditEntry.objects.filter(action__startswith="optimization").exists()
