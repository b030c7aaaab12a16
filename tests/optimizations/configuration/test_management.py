"""Reading, listing, changing and deleting optimizations over HTTP."""

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from levered_site.organizations.models import AuditEntry
from models_app.models import BanditModel, PolicyVersion
from optimizations.models import Optimization, ResultsSummary, Variant
from optimizations.results import list_summary
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


def test_a_change_is_audited_and_seen() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    api = make_member_api(organization)
    path = f"/optimizations/{optimization.pk}"

    response = api.patch(path, {"name": "New", "exploration_share": 0.05})

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
    path = f"/optimizations/{optimization.pk}"
    etag = api.get(path)["ETag"]
    api.patch(path, {"name": "New"})

    response = api.patch(path, {"name": "Newer"}, If_Match=etag)

    assert response.status_code == 412
    optimization.refresh_from_db()
    assert optimization.name == "New"


def test_everything_may_change_in_a_draft() -> None:
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
    ("missing_field", "status"),
    [("reward", 400), ("design_factors", 400), ("context_factors", 200)],
)
def test_a_changed_config_must_be_complete(missing_field: str, status: int) -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(
        organization, status="draft"
    )
    config = optimization_factories.make_config(attribution={"type": "first_touch"})
    del config[missing_field]

    response = make_member_api(organization).patch(
        f"/optimizations/{optimization.pk}", {"training_data_config": config}
    )

    assert response.status_code == status, response.content
    optimization.model.refresh_from_db()
    stored = optimization.model.training_data_config
    if status == 200:
        assert stored["context_factors"] == []
        assert stored["attribution"]["horizon_hours"] == 24
    else:
        field = f"training_data_config.{missing_field}"
        assert read_error(response)["details"][0]["field"] == field
        assert stored["attribution"]["type"] == "last_touch"


@pytest.mark.parametrize(
    "name", ["training_data_config", "reward_metric_id", "assignment_source_id"]
)
def test_once_live_the_design_is_fixed(name: str) -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    body = {
        name: optimization_factories.make_config()
        if name == "training_data_config"
        else None
    }

    response = make_member_api(organization).patch(
        f"/optimizations/{optimization.pk}", body
    )

    assert response.status_code == 409
    assert "draft" not in read_error(response)["message"]
    assert not AuditEntry.objects.filter(action="optimization.change").exists()


def test_the_expected_users_change_in_draft_only() -> None:
    organization = optimization_factories.make_organization()
    api = make_admin_api(organization)
    metric = optimization_factories.make_metric(organization)
    draft = optimization_factories.make_optimization(
        organization, status="draft", reward_metric_id=metric.pk
    )
    path = f"/optimizations/{draft.pk}"

    assert api.patch(path, {"expected_users": 500}).status_code == 200
    assert api.patch(path, {"status": "live"}).status_code == 200
    for value in (501, None):
        for status in ("live", "paused"):
            api.patch(path, {"status": status})
            refused = api.patch(path, {"expected_users": value})
            assert refused.status_code == 400
            (problem,) = read_error(refused)["details"]
            assert problem["field"] == "expected_users"
            assert "draft only" in problem["message"]
    assert api.patch(path, {"expected_users": 500, "name": "B"}).status_code == 200
    assert read_body(api.get(path))["expected_users"] == 500


def test_a_draft_is_deleted_with_its_data() -> None:
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


@pytest.mark.parametrize("action", ["ship", "stop", "archive"])
@pytest.mark.parametrize(("body", "field"), [({"foo": 1}, "foo"), ([1], None)])
def test_an_action_without_a_body_refuses_one_and_does_nothing(
    action: str, body: object, field: str | None
) -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)

    answer = make_admin_api(organization).post(
        f"/optimizations/{optimization.pk}/{action}", body
    )

    assert answer.status_code == 400
    details = read_error(answer).get("details", [])
    assert field is None or [problem["field"] for problem in details] == [field]
    optimization.refresh_from_db()
    assert optimization.status == "live"


@pytest.mark.parametrize(
    ("action", "status"),
    [("ship", "shipped"), ("stop", "completed"), ("archive", "archived")],
)
def test_a_repeated_action_says_that_it_is_done_already(
    action: str, status: str
) -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    api = make_admin_api(organization)
    path = f"/optimizations/{optimization.pk}/{action}"

    body = {"confirm": True} if action == "ship" else None

    first, second = api.post(path, body), api.post(path, body)

    assert (first.status_code, second.status_code) == (200, 409)
    assert read_error(second)["message"] == f"It is {status} already."


def test_a_method_that_an_endpoint_lacks_is_named() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    path = f"/optimizations/{optimization.pk}/variants/99"

    answer = make_admin_api(organization).get(path)

    assert answer.status_code == 405
    assert read_error(answer)["message"] == "GET is not supported here."
