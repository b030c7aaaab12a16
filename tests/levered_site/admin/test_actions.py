"""Admin actions: they follow the rules of the API, and refusals become messages."""

import html
import re
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import AuditEntry
from metrics.models import Metric
from models_app import runs
from models_app.models import TrainingRun
from optimizations.configuration import lifecycle
from optimizations.models import Optimization, Regime
from tests.support import admin_tenants, staff_world
from tests.support.admin_actions import (
    OPTIMIZATION_LIST,
    build_dialog_url,
    confirm_action,
    confirm_list_action,
    read_last_audit,
)
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db
TITLE = re.compile(r'<h2 id="dialog-title".*?>(.*?)</h2>', re.DOTALL)


def read_title(dialog: Any) -> str:
    found = TITLE.search(dialog.content.decode())
    assert found is not None
    return html.unescape(found[1]).strip()


@pytest.mark.parametrize(
    ("name", "status", "audit_action"),
    [
        ("pause", "paused", "optimization.pause"),
        ("ship", "shipped", "optimization.ship"),
        ("stop", "completed", "optimization.stop"),
        ("archive", "archived", "optimization.archive"),
    ],
)
def test_an_action_changes_the_status_of_a_live_optimization(
    staff: Client, world: World, name: str, status: str, audit_action: str
) -> None:
    """The state machine is the API's; the audit entry names the staff user."""
    messages = confirm_action(staff, world.optimization, name, ticked=name == "ship")

    world.optimization.refresh_from_db()
    assert world.optimization.status == status
    assert len(messages) == 1
    assert read_last_audit() == (audit_action, "staff", "root")


def test_an_impossible_status_change_is_a_message(staff: Client, world: World) -> None:
    """It is not a 500, and nothing is written."""
    lifecycle.stop_optimization(world.optimization, SYSTEM_ACTOR)
    entries = AuditEntry.objects.count()

    messages = confirm_action(staff, world.optimization, "ship", ticked=True)

    world.optimization.refresh_from_db()
    assert world.optimization.status == "completed"
    assert "cannot become shipped" in messages[0]
    assert AuditEntry.objects.count() == entries


def test_opening_a_dialog_changes_nothing(staff: Client, world: World) -> None:
    """A GET asks; a POST without the dialog's hidden field asks again."""
    dialog = staff.get(build_dialog_url(world.optimization, "stop"))
    again = staff.post(build_dialog_url(world.optimization, "stop"), {})

    world.optimization.refresh_from_db()
    assert "The optimization ends" in dialog.content.decode()
    assert again.status_code == 200
    assert world.optimization.status == "live"


def test_an_action_needs_the_csrf_token(world: World) -> None:
    """A form on another site cannot ship an optimization."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff_world.make_superuser())

    answer = client.post(
        build_dialog_url(world.optimization, "ship"), {"_form_submitted": "on"}
    )

    world.optimization.refresh_from_db()
    assert answer.status_code == 403
    assert world.optimization.status == "live"


def test_only_actions_that_the_status_allows_are_offered(
    staff: Client, world: World
) -> None:
    """A live optimization can be paused but not resumed, a paused one the reverse."""
    path = reverse(
        "admin:optimizations_optimization_change", args=[world.optimization.pk]
    )
    live = staff.get(path).content.decode()
    lifecycle.pause_optimization(world.optimization, SYSTEM_ACTOR)
    paused = staff.get(path).content.decode()

    assert "/do-pause/" in live
    assert "/do-resume/" not in live
    assert "/do-resume/" in paused
    assert "/do-pause/" not in paused


def test_going_live_says_what_it_does_in_each_status(
    staff: Client, world: World
) -> None:
    other = staff_world.make_optimization(world.organization, world.metric, "Landing")
    said = {}
    for status in ("draft", "paused", "shipped"):
        Optimization.objects.filter(pk=world.optimization.pk).update(status=status)
        dialog = staff.get(build_dialog_url(world.optimization, "resume"))
        said[status] = dialog.content.decode()
    form = {"action": "resume", "_selected_action": [world.optimization.pk, other.pk]}
    selected = staff.post(reverse(OPTIMIZATION_LIST), form).content.decode()

    fixed, taken_back = "cannot be changed any more", "What was shipped is taken back"
    assert [fixed in page for page in said.values()] == [True, False, False]
    assert [taken_back in page for page in said.values()] == [False, False, True]
    assert "Visitors are served again" in said["paused"]
    assert fixed in selected
    assert taken_back in selected


def test_a_list_action_asks_for_confirmation_first(staff: Client, world: World) -> None:
    """The confirmation page lists the selected optimizations."""
    other = staff_world.make_optimization(world.organization, world.metric, "Landing")
    form = {"action": "ship", "_selected_action": [world.optimization.pk, other.pk]}

    confirmation = staff.post(reverse(OPTIMIZATION_LIST), form)
    before = set(Optimization.objects.values_list("status", flat=True))
    messages = confirm_list_action(
        staff, OPTIMIZATION_LIST, [world.optimization, other], "ship", ticked=True
    )

    assert "Landing" in confirmation.content.decode()
    assert confirmation.context["title"] == "Ship: 2 optimizations?"
    assert before == {"live"}
    assert set(Optimization.objects.values_list("status", flat=True)) == {"shipped"}
    assert len(messages) == 1


def test_each_dialog_names_its_object(staff: Client, world: World) -> None:
    tenant = admin_tenants.make_tenant("tiger")
    run: Any = tenant.rows["models_app_trainingrun"]
    names = (
        "tiger",
        str(run.model_id),
        f"{run.created_at:%Y-%m-%d %H:%M}",
        str(tenant.rows["optimizations_variant"]),
    )

    titles = [
        read_title(staff.get(build_dialog_url(row, action.name)))
        for row in tenant.rows.values()
        for action in getattr(admin.site._registry[type(row)], "admin_actions", ())
    ]

    assert [title for title in titles if not any(map(title.count, names))] == []
    assert f"Revoke the key “{tenant.world.key}”?" in titles


def test_a_list_action_reports_each_failure(staff: Client, world: World) -> None:
    """One optimization is paused; the message names the one that cannot be."""
    draft = staff_world.make_optimization(
        world.organization, world.metric, "Idea", status="draft"
    )

    messages = confirm_list_action(
        staff, OPTIMIZATION_LIST, [world.optimization, draft], "pause"
    )

    world.optimization.refresh_from_db()
    draft.refresh_from_db()
    assert (world.optimization.status, draft.status) == ("paused", "draft")
    assert sorted(message.split(":")[0] for message in messages) == ["Idea", "Paused"]


def test_train_now_queues_a_run(staff: Client, world: World) -> None:
    """The action of the model joins the run that the optimization's queued."""
    confirm_action(staff, world.optimization, "train")
    confirm_action(staff, world.optimization.model, "train")

    run = TrainingRun.objects.get()
    assert (run.status, run.requested_by) == ("queued", "staff:root")


def test_a_paused_optimization_is_not_trained(staff: Client, world: World) -> None:
    """The message says why, and no run is queued."""
    lifecycle.pause_optimization(world.optimization, SYSTEM_ACTOR)

    messages = confirm_action(staff, world.optimization.model, "train")

    assert "paused" in messages[0]
    assert not TrainingRun.objects.exists()


def test_a_model_in_use_is_not_deleted(staff: Client, world: World) -> None:
    """Its optimization must be archived first."""
    refused = confirm_action(staff, world.optimization.model, "retire")
    lifecycle.archive_optimization(world.optimization, SYSTEM_ACTOR)
    done = confirm_action(staff, world.optimization.model, "retire")

    world.optimization.model.refresh_from_db()
    assert "archive it first" in refused[0]
    assert done[0].startswith("Deleted")
    assert world.optimization.model.deleted_at is not None


def test_a_metric_in_use_is_not_deleted(staff: Client, world: World) -> None:
    """The message names the optimization; an unused metric is deleted."""
    unused = staff_world.make_metric(world.organization, "Unused")

    refused = confirm_action(staff, world.metric, "forget")
    confirm_action(staff, unused, "forget")

    assert "Checkout" in refused[0]
    assert list(Metric.objects.all()) == [world.metric]


def test_a_training_is_cancelled(staff: Client, world: World) -> None:
    """The second attempt says that the run has ended."""
    run = runs.request_training(world.optimization.model, requested_by="clock")

    first = confirm_action(staff, run, "cancel")
    second = confirm_action(staff, run, "cancel")

    run.refresh_from_db()
    assert run.status == "cancelled"
    assert first[0].startswith("Cancelled")
    assert "has ended" in second[0]


def test_a_key_is_revoked(staff: Client, world: World) -> None:
    """The key is inactive, and the audit entry names the staff user."""
    confirm_list_action(
        staff, "admin:organizations_apikey_changelist", [world.key], "revoke"
    )

    world.key.refresh_from_db()
    assert world.key.revoked_at is not None
    assert read_last_audit() == ("api_key.revoke", "staff", "root")


def test_a_variant_is_disabled_and_the_baseline_is_not(
    staff: Client, world: World
) -> None:
    """Disabling opens a regime; for the baseline there is a message."""
    baseline, second = world.optimization.variants.order_by("number")[:2]

    confirm_action(staff, second, "disable")
    refused = confirm_action(staff, baseline, "disable")

    assert world.optimization.servable() == [1, 3, 4]
    assert Regime.objects.count() == 2
    assert "baseline" in refused[0]


def test_a_draft_is_deleted(staff: Client, world: World) -> None:
    """The browser returns to the list."""
    draft = staff_world.make_optimization(
        world.organization, world.metric, "Idea", status="draft"
    )

    answer = staff.post(build_dialog_url(draft, "remove"), {"_form_submitted": "on"})

    assert answer.headers["Location"] == reverse(OPTIMIZATION_LIST)
    assert not Optimization.objects.filter(pk=draft.pk).exists()
