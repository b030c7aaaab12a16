"""Create, read, list, change and delete optimizations over HTTP."""

import pytest
from pytest_django import DjangoAssertNumQueries

from levered_site.organizations.models import AuditEntry
from models_app.models import BanditModel, PolicyVersion
from optimizations.models import Optimization, Variant
from tests.support import optimization_factories
from tests.support.factories import (
    make_admin_api,
    make_member_api,
    read_body,
    read_error,
)

pytestmark = pytest.mark.django_db


def test_lists_show_rows_newest_first_without_archived_ones() -> None:
    organization = optimization_factories.make_organization()
    api = make_admin_api(organization)
    first = optimization_factories.make_optimization(organization, name="First red")
    second = optimization_factories.make_optimization(
        organization, name="Second", status="draft"
    )
    gone = optimization_factories.make_optimization(
        organization, name="Gone red", status="draft"
    )
    api.post(f"/optimizations/{gone.pk}/archive")

    whole = read_body(api.get("/optimizations"))
    archived = read_body(api.get("/optimizations?include_archived=true&limit=2"))
    drafts = read_body(api.get("/optimizations?status=draft"))
    red = read_body(api.get("/optimizations?search=RED&include_archived=true"))

    assert [row["id"] for row in whole["optimizations"]] == [
        str(second.pk),
        str(first.pk),
    ]
    assert set(whole["optimizations"][0]) == {
        "id",
        "name",
        "status",
        "model_status",
        "model_id",
        "created_at",
        "updated_at",
        "summary",
    }
    assert whole["optimizations"][0]["summary"] is None
    assert whole["next_cursor"] is None
    assert len(archived["optimizations"]) == 2
    assert archived["next_cursor"]
    assert [row["id"] for row in drafts["optimizations"]] == [str(second.pk)]
    assert {row["id"] for row in red["optimizations"]} == {str(first.pk), str(gone.pk)}
    assert api.get("/optimizations?status=nope").status_code == 400
    assert api.get("/optimizations?include_archived=1").status_code == 400


def test_a_trained_ones_row_has_the_summary_of_its_training() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    figures = {"lift": 8.2, "confidence": 0.97, "exposures": 1200}
    optimization.model.policy_versions.update(report={"summary": figures, "more": 1})

    body = read_body(make_member_api(organization).get("/optimizations"))

    row = body["optimizations"][0]
    assert row["summary"] == {"variants_count": 4, **figures}


def test_a_list_costs_the_same_queries_however_long(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    organization = optimization_factories.make_organization()
    api = make_member_api(organization)
    for _ in range(5):
        optimization_factories.make_optimization(organization)

    with django_assert_max_num_queries(6):
        api.get("/optimizations")


def test_another_organizations_is_not_found() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization()
    )
    stranger = make_admin_api(optimization_factories.make_organization())
    place = f"/optimizations/{optimization.pk}"
    before = Optimization.objects.values().get(pk=optimization.pk)

    answers = [
        stranger.get(place),
        stranger.patch(place, {"name": "mine"}),
        stranger.delete(place),
        stranger.post(f"{place}/ship"),
        stranger.post(f"{place}/stop"),
        stranger.post(f"{place}/archive"),
        stranger.get(f"{place}/variants"),
        stranger.patch(f"{place}/variants/2", {"enabled": False}),
        stranger.get(f"{place}/variants/by-number/1/screenshot"),
        stranger.get(f"{place}/decisions/u1"),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert read_body(stranger.get("/optimizations"))["optimizations"] == []
    assert Optimization.objects.values().get(pk=optimization.pk) == before


def test_another_organizations_metric_is_no_metric() -> None:
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


def test_a_change_is_audited_and_seen() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    api = make_member_api(organization)
    place = f"/optimizations/{optimization.pk}"

    response = api.patch(place, {"name": "New", "exploration_share": 0.05})

    assert response.status_code == 200, response.content
    body = read_body(response)
    assert (body["name"], body["exploration_share"]) == ("New", 0.05)
    entry = AuditEntry.objects.get(action="optimization.change")
    assert entry.changes == {"name": "New", "exploration_share": 0.05}
    assert entry.actor_id == "user_bob"


def test_a_stale_if_match_changes_nothing() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    api = make_member_api(organization)
    place = f"/optimizations/{optimization.pk}"
    seen = api.get(place)["ETag"]
    api.patch(place, {"name": "New"})

    response = api.patch(place, {"name": "Newer"}, If_Match=seen)

    assert response.status_code == 412
    optimization.refresh_from_db()
    assert optimization.name == "New"


def test_while_a_draft_everything_may_change() -> None:
    organization = optimization_factories.make_organization()
    metric = optimization_factories.make_metric(organization)
    optimization = optimization_factories.make_optimization(
        organization, status="draft"
    )
    api = make_member_api(organization)
    config = optimization_factories.make_config(
        design_factors=[optimization_factories.make_factor("color", "r", "g", "b")]
    )

    response = api.patch(
        f"/optimizations/{optimization.pk}",
        {
            "training_data_config": config,
            "reward_metric_id": str(metric.pk),
            "status": "live",
        },
    )

    assert response.status_code == 200, response.content
    assert read_body(response)["variants_count"] == 3
    keys = Variant.objects.order_by("number").values_list("variant_key", flat=True)
    assert list(keys) == ['{"color":"r"}', '{"color":"g"}', '{"color":"b"}']
    assert PolicyVersion.objects.get().variants == 3


@pytest.mark.parametrize(
    ("left_out", "status"),
    [("reward", 400), ("design_factors", 400), ("context_factors", 200)],
)
def test_a_changed_config_is_whole(left_out: str, status: int) -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(
        organization, status="draft"
    )
    config = optimization_factories.make_config(attribution={"type": "first_touch"})
    del config[left_out]

    response = make_member_api(organization).patch(
        f"/optimizations/{optimization.pk}", {"training_data_config": config}
    )

    assert response.status_code == status, response.content
    optimization.model.refresh_from_db()
    kept = optimization.model.training_data_config
    if status == 200:
        assert kept["context_factors"] == []
        assert kept["attribution"]["horizon_hours"] == 24
    else:
        field = f"training_data_config.{left_out}"
        assert read_error(response)["details"][0]["field"] == field
        assert kept["attribution"]["type"] == "last_touch"


@pytest.mark.parametrize(
    "name", ["training_data_config", "reward_metric_id", "assignment_source_id"]
)
def test_once_live_the_design_is_fixed(name: str) -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    given = {
        name: optimization_factories.make_config()
        if name == "training_data_config"
        else None
    }

    response = make_member_api(organization).patch(
        f"/optimizations/{optimization.pk}", given
    )

    assert response.status_code == 409
    assert "draft" not in read_error(response)["message"]
    assert not AuditEntry.objects.filter(action="optimization.change").exists()


def test_a_draft_is_deleted_for_real() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(
        organization, status="draft"
    )
    api = make_admin_api(organization)

    response = api.delete(f"/optimizations/{optimization.pk}")

    assert response.status_code == 204
    assert not Optimization.objects.exists()
    assert not BanditModel.objects.exists()
    assert not Variant.objects.exists()


def _assert_nothing_written() -> None:
    assert not Optimization.objects.exists()
    assert not BanditModel.objects.exists()
    assert not Variant.objects.exists()
    assert not AuditEntry.objects.filter(action__startswith="optimization").exists()


@pytest.mark.parametrize("deed", ["ship", "stop", "archive"])
@pytest.mark.parametrize(("sent", "field"), [({"foo": 1}, "foo"), ([1], None)])
def test_a_deed_without_a_body_refuses_one_and_does_nothing(
    deed: str, sent: object, field: str | None
) -> None:
    organization = optimization_factories.make_organization()
    made = optimization_factories.make_optimization(organization)

    answer = make_admin_api(organization).post(f"/optimizations/{made.pk}/{deed}", sent)

    assert answer.status_code == 400
    details = read_error(answer).get("details", [])
    assert field is None or [each["field"] for each in details] == [field]
    made.refresh_from_db()
    assert made.status == "live"
