"""Archiving can be undone: by the API, by an agent and in the admin."""

import json
from typing import Any

import pytest
from django.test import Client

from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import AuditEntry, Organization
from models_app import retirement
from optimizations.configuration import lifecycle
from optimizations.models import Optimization, Regime
from tests.support import (
    admin_actions,
    factories,
    optimization_factories,
    staff_world,
    traffic,
)
from tests.support.factories import read_body, read_error

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = {
    "draft": ([], "draft"),
    "live": (["live"], "paused"),
    "paused": (["live", "paused"], "paused"),
    "completed": (["live", "completed"], "completed"),
}


def archive_from(organization: Organization, status: str) -> Optimization:
    """Make an optimization, bring it to a status, and archive it."""
    metric = optimization_factories.make_metric(organization)
    optimization = optimization_factories.make_optimization(
        organization, status="draft", reward_metric_id=metric.pk
    )
    for step in [*STEPS[status][0], "archived"]:
        optimization = lifecycle.change_status(optimization, step, SYSTEM_ACTOR)
    return optimization


def call_change_status(optimization: Optimization, **arguments: Any) -> str:
    """Call the tool as an admin; return its text."""
    api = factories.make_admin_api(optimization.organization)
    arguments = {"optimization_id": str(optimization.pk), **arguments}
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "change_status", "arguments": arguments},
    }
    accept = {"Accept": "application/json, text/event-stream"}
    answer = api.request("POST", "/mcp", message, accept, base="")
    text: str = json.loads(answer.content)["result"]["content"][0]["text"]
    return text


@pytest.mark.parametrize("status", STEPS)
def test_an_archived_optimization_comes_back_and_what_was_live_is_paused(
    status: str,
) -> None:
    organization = optimization_factories.make_organization()
    optimization = archive_from(organization, status)
    path = f"/optimizations/{optimization.pk}"

    by_member = factories.make_member_api(organization).post(f"{path}/unarchive")
    answer = factories.make_admin_api(organization).post(f"{path}/unarchive")
    listed = read_body(factories.make_admin_api(organization).get("/optimizations"))

    assert by_member.status_code == 403
    assert (answer.status_code, read_body(answer)["status"]) == (200, STEPS[status][1])
    assert [row["id"] for row in listed["optimizations"]] == [str(optimization.pk)]
    assert AuditEntry.objects.latest("id").action == "optimization.unarchive"


def test_what_was_live_serves_the_same_variants_again_and_takes_exposures() -> None:
    optimization = optimization_factories.make_live_optimization()
    admin = factories.make_admin_api(optimization.organization)
    path, public = f"/optimizations/{optimization.pk}", factories.Api()
    before = read_body(public.post(f"{path}/serve", {"anonymous_id": "ann"}))

    admin.post(f"{path}/archive")
    archived = public.post(f"{path}/serve", {"anonymous_id": "ann"})
    admin.post(f"{path}/unarchive")
    paused = public.post(f"{path}/serve", {"anonymous_id": "ann"})
    admin.patch(path, {"status": "live"})
    after = read_body(public.post(f"{path}/serve", {"anonymous_id": "ann"}))
    traffic.send_exposures(optimization, [traffic.build_exposure(optimization, "bob")])

    assert (archived.status_code, paused.status_code) == (404, 409)
    assert after["variant_number"] == before["variant_number"]
    assert after["sticky"] is True
    assert Regime.objects.count() == 1


@pytest.mark.parametrize("status", ["draft", "live", "paused", "shipped", "completed"])
def test_only_what_is_archived_can_be_unarchived(status: str) -> None:
    optimization = optimization_factories.make_live_optimization()
    Optimization.objects.update(status=status)

    answer = factories.make_admin_api(optimization.organization).post(
        f"/optimizations/{optimization.pk}/unarchive"
    )

    assert answer.status_code == 409
    assert read_error(answer)["message"] == (
        f"Only an archived optimization can be unarchived; this one is {status}."
    )


def test_a_refused_change_of_an_archived_optimization_names_the_way_back() -> None:
    optimization = archive_from(optimization_factories.make_organization(), "live")

    answer = factories.make_admin_api(optimization.organization).patch(
        f"/optimizations/{optimization.pk}", {"status": "live"}
    )

    assert read_error(answer)["message"] == (
        "An archived optimization cannot become live; it may be deleted. "
        "POST /optimizations/:id/unarchive undoes archiving."
    )


def test_one_archived_before_its_status_was_stored_counts_as_completed() -> None:
    optimization = archive_from(optimization_factories.make_organization(), "live")
    Optimization.objects.update(status_before_archive="")

    answer = factories.make_admin_api(optimization.organization).post(
        f"/optimizations/{optimization.pk}/unarchive"
    )

    assert read_body(answer)["status"] == "completed"


def test_one_whose_metric_or_model_changed_meanwhile_stays_archived() -> None:
    organization = optimization_factories.make_organization()
    changed, deleted = (archive_from(organization, "live") for _ in range(2))
    assert changed.reward_metric
    key_and_weight = [("buy", 2.0), ("lead", 1.0)]
    outcomes = [
        {"key": key, "weight": weight, "match": {"by": "name", "value": key}}
        for key, weight in key_and_weight
    ]
    mapping = {**changed.reward_metric.column_mapping, "name": "name"}
    sql = "SELECT anonymous_id, timestamp_utc, name FROM managed_dw.rewards"
    fields = {"outcomes": outcomes, "column_mapping": mapping, "sql": sql}
    type(changed.reward_metric).objects.filter(pk=changed.reward_metric.pk).update(
        **fields
    )
    retirement.retire_model(deleted.model, SYSTEM_ACTOR)
    admin = factories.make_admin_api(organization)

    answers = [
        admin.post(f"/optimizations/{each.pk}/unarchive") for each in (changed, deleted)
    ]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert "counts something else now" in read_error(answers[0])["message"]
    assert "model was deleted" in read_error(answers[1])["message"]


def test_an_agent_previews_and_undoes_archiving() -> None:
    optimization = archive_from(optimization_factories.make_organization(), "live")

    preview = json.loads(call_change_status(optimization, to="unarchived"))
    optimization.refresh_from_db()
    status_after_preview = optimization.status
    done = json.loads(call_change_status(optimization, to="unarchived", confirm=True))

    assert preview["changes"]["status"] == ["archived", "paused"]
    assert status_after_preview == "archived"
    assert done["changes"] == {"status": ["archived", "paused"]}
    assert done["next"] == "change_status to live resumes it."


def test_staff_undo_archiving_with_a_button(client: Client) -> None:
    from_live = archive_from(optimization_factories.make_organization(), "live")
    client.force_login(staff_world.make_superuser())

    messages = admin_actions.confirm_action(client, from_live, "unarchive")

    from_live.refresh_from_db()
    assert from_live.status == "paused"
    assert messages == [f"Unarchived: {from_live}"]
    assert admin_actions.read_last_audit()[0] == "optimization.unarchive"
