"""The API's deeds on the staff pages: done with their rules, refused as messages."""

import pytest
from django.test import Client
from django.urls import reverse

from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import AuditEntry
from metrics.models import Metric
from models_app import runs
from models_app.models import TrainingRun
from optimizations.configuration import lifecycle
from optimizations.models import Optimization, Regime
from tests.support import staff_world
from tests.support.admin_actions import (
    OPTIMIZATION_LIST,
    confirm_action,
    confirm_list_action,
    dialog_url,
    read_last_audit,
)
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("deed", "status", "action"),
    [
        ("pause", "paused", "optimization.pause"),
        ("ship", "shipped", "optimization.ship"),
        ("stop", "completed", "optimization.stop"),
        ("archive", "archived", "optimization.archive"),
    ],
)
def test_a_live_optimization_moves(
    staff: Client, world: World, deed: str, status: str, action: str
) -> None:
    """By the same state machine as the API, with the member of staff in the audit."""
    messages = confirm_action(staff, world.optimization, deed)

    world.optimization.refresh_from_db()
    assert world.optimization.status == status
    assert len(messages) == 1
    assert read_last_audit() == (action, "staff", "root")


def test_a_move_that_is_not_there_is_a_message(staff: Client, world: World) -> None:
    """Not a 500; nothing is written."""
    lifecycle.stop_optimization(world.optimization, SYSTEM_ACTOR)
    entries = AuditEntry.objects.count()

    messages = confirm_action(staff, world.optimization, "ship")

    world.optimization.refresh_from_db()
    assert world.optimization.status == "completed"
    assert "cannot become shipped" in messages[0]
    assert AuditEntry.objects.count() == entries


def test_looking_at_a_dialog_does_nothing(staff: Client, world: World) -> None:
    """A GET asks; a POST without the dialog's mark asks again."""
    asked = staff.get(dialog_url(world.optimization, "stop"))
    again = staff.post(dialog_url(world.optimization, "stop"), {})

    world.optimization.refresh_from_db()
    assert "ends for good" in asked.content.decode()
    assert again.status_code == 200
    assert world.optimization.status == "live"


def test_a_deed_needs_the_csrf_token(world: World) -> None:
    """A form on another site cannot ship anything."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff_world.make_superuser())

    answer = client.post(
        dialog_url(world.optimization, "ship"), {"_form_submitted": "on"}
    )

    world.optimization.refresh_from_db()
    assert answer.status_code == 403
    assert world.optimization.status == "live"


def test_only_what_makes_sense_is_offered(staff: Client, world: World) -> None:
    """A live one can be paused, not resumed; a paused one the other way round."""
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


def test_several_are_asked_for_before_they_are_shipped(
    staff: Client, world: World
) -> None:
    """Destructive actions of a list show what was chosen first."""
    other = staff_world.make_optimization(world.organization, world.metric, "Landing")
    form = {"action": "ship", "_selected_action": [world.optimization.pk, other.pk]}

    asked = staff.post(reverse(OPTIMIZATION_LIST), form)
    before = set(Optimization.objects.values_list("status", flat=True))
    messages = confirm_list_action(
        staff, OPTIMIZATION_LIST, [world.optimization, other], "ship"
    )

    assert "Landing" in asked.content.decode()
    assert before == {"live"}
    assert set(Optimization.objects.values_list("status", flat=True)) == {"shipped"}
    assert len(messages) == 1


def test_of_several_each_is_told_apart(staff: Client, world: World) -> None:
    """What can be paused is; what cannot is named."""
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
    """From the optimization and from the model; the second joins the first."""
    confirm_action(staff, world.optimization, "train")
    confirm_action(staff, world.optimization.model, "train")

    run = TrainingRun.objects.get()
    assert (run.status, run.requested_by) == ("queued", "staff:root")


def test_what_cannot_be_trained_is_a_message(staff: Client, world: World) -> None:
    """Learning is off while it is paused; no run is queued."""
    lifecycle.pause_optimization(world.optimization, SYSTEM_ACTOR)

    messages = confirm_action(staff, world.optimization.model, "train")

    assert "paused" in messages[0]
    assert not TrainingRun.objects.exists()


def test_a_model_in_use_is_not_deleted(staff: Client, world: World) -> None:
    """Its optimization must be archived before."""
    refused = confirm_action(staff, world.optimization.model, "retire")
    lifecycle.archive_optimization(world.optimization, SYSTEM_ACTOR)
    done = confirm_action(staff, world.optimization.model, "retire")

    world.optimization.model.refresh_from_db()
    assert "archive it first" in refused[0]
    assert done[0].startswith("Deleted")
    assert world.optimization.model.deleted_at is not None


def test_a_metric_in_use_is_not_deleted(staff: Client, world: World) -> None:
    """The message names what uses it; an unused one goes."""
    unused = staff_world.make_metric(world.organization, "Unused")

    refused = confirm_action(staff, world.metric, "forget")
    confirm_action(staff, unused, "forget")

    assert "Checkout" in refused[0]
    assert list(Metric.objects.all()) == [world.metric]


def test_a_training_is_cancelled(staff: Client, world: World) -> None:
    """Once; a second time there is nothing to cancel."""
    run = runs.request_training(world.optimization.model, requested_by="clock")

    first = confirm_action(staff, run, "cancel")
    second = confirm_action(staff, run, "cancel")

    run.refresh_from_db()
    assert run.status == "cancelled"
    assert first[0].startswith("Cancelled")
    assert "has ended" in second[0]


def test_a_key_is_revoked(staff: Client, world: World) -> None:
    """The door is closed and the audit says by whom."""
    confirm_list_action(
        staff, "admin:organizations_apikey_changelist", [world.key], "revoke"
    )

    world.key.refresh_from_db()
    assert world.key.revoked_at is not None
    assert read_last_audit() == ("api_key.revoke", "staff", "root")


def test_a_variant_is_disabled_and_the_baseline_is_not(
    staff: Client, world: World
) -> None:
    """A new policy version serves and a regime opens; the baseline is a message."""
    baseline, second = world.optimization.variants.order_by("number")[:2]

    confirm_action(staff, second, "disable")
    refused = confirm_action(staff, baseline, "disable")

    assert world.optimization.servable() == [1, 3, 4]
    assert Regime.objects.count() == 2
    assert "baseline" in refused[0]


def test_a_draft_is_deleted(staff: Client, world: World) -> None:
    """And the browser is sent back to the list."""
    draft = staff_world.make_optimization(
        world.organization, world.metric, "Idea", status="draft"
    )

    answer = staff.post(dialog_url(draft, "remove"), {"_form_submitted": "on"})

    assert answer.headers["Location"] == reverse(OPTIMIZATION_LIST)
    assert not Optimization.objects.filter(pk=draft.pk).exists()
