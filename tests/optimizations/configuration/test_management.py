"""Optimizations by REST: changed, deleted, acted on."""

import pytest

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
