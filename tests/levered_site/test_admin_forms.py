"""Forms and lists of the staff pages: changes by the API's deeds, refused as messages."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from levered_site.organizations.models import AuditEntry
from metrics.models import Metric
from models_app import runs
from optimizations.models import Optimization, Regime
from tests import staff_world
from tests.staff_world import World

pytestmark = pytest.mark.django_db

LIST = "admin:optimizations_optimization_changelist"


@pytest.fixture
def staff(client: Client) -> Client:
    """Give a client that is logged in as a superuser."""
    client.force_login(staff_world.superuser())
    return client


@pytest.fixture
def world() -> World:
    """Make one organization with a live optimization."""
    return staff_world.world()


def dialog(thing: Any, deed: str) -> str:
    """Say where the dialog of a deed is."""
    options = thing._meta
    name = f"admin:{options.app_label}_{options.model_name}_do_{deed}"
    return reverse(name, args=[thing.pk])


def do(client: Client, thing: Any, deed: str) -> list[str]:
    """Confirm a deed's dialog; return what is said afterwards."""
    answer = client.post(dialog(thing, deed), {"_form_submitted": "on"}, follow=True)
    assert answer.status_code == 200
    return said(answer)


def do_to(client: Client, listing: str, things: list[Any], deed: str) -> list[str]:
    """Choose things in a list, run an action and confirm it; return what is said."""
    form = {
        "action": deed,
        "_selected_action": [str(thing.pk) for thing in things],
        "confirmed": "yes",
    }
    return said(client.post(reverse(listing), form, follow=True))


def said(answer: Any) -> list[str]:
    """List the messages on a page."""
    return [str(message) for message in answer.context["messages"]]


def last_audit() -> tuple[str, str, str]:
    """Read the newest entry: what was done, and who did it."""
    entry = AuditEntry.objects.latest("id")
    return entry.action, entry.actor_kind, entry.actor_id


def metric_form(metric: Metric, **changes: str) -> dict[str, str]:
    """Fill a metric's form as it stands, with changes."""
    return {
        "name": metric.name,
        "direction": metric.direction,
        "sql": metric.sql,
        "column_mapping": json.dumps(metric.column_mapping),
        "outcomes": "null",
        **changes,
    }


def test_a_metric_changes_when_its_sql_holds(staff: Client, world: World) -> None:
    """The deed tries it: the revision grows, the audit names the member of staff."""
    path = reverse("admin:metrics_metric_change", args=[world.metric.pk])
    sql = world.metric.sql.replace("purchase", "order")

    answer = staff.post(path, metric_form(world.metric, sql=sql))

    world.metric.refresh_from_db()
    assert answer.status_code == 302
    assert (world.metric.sql, world.metric.revision) == (sql, 2)
    assert last_audit() == ("metric.redefine", "staff", "root")


@pytest.mark.parametrize(
    "changes",
    [
        {"sql": "DROP TABLE decisions"},
        {"sql": "SELECT anonymous_id FROM managed_dw.rewards"},
        {"column_mapping": '{"anonymous_id": "anonymous_id"}'},
        {"column_mapping": "no JSON"},
    ],
)
def test_a_metric_that_does_not_hold_is_refused(
    staff: Client, world: World, changes: dict[str, str]
) -> None:
    """In the form; nothing is written."""
    path = reverse("admin:metrics_metric_change", args=[world.metric.pk])
    before = Metric.objects.values().get()

    answer = staff.post(path, metric_form(world.metric, **changes))

    assert answer.status_code == 200
    assert Metric.objects.values().get() == before


def test_a_metric_in_use_is_not_deleted(staff: Client, world: World) -> None:
    """The message names what uses it; an unused one goes."""
    unused = staff_world.metric(world.organization, "Unused")

    refused = do(staff, world.metric, "forget")
    do(staff, unused, "forget")

    assert "Checkout" in refused[0]
    assert list(Metric.objects.all()) == [world.metric]


def test_a_training_is_cancelled(staff: Client, world: World) -> None:
    """Once; a second time there is nothing to cancel."""
    run = runs.ask(world.optimization.model, requested_by="clock")

    first = do(staff, run, "cancel")
    second = do(staff, run, "cancel")

    run.refresh_from_db()
    assert run.status == "cancelled"
    assert first[0].startswith("Cancelled")
    assert "has ended" in second[0]


def test_a_key_is_revoked(staff: Client, world: World) -> None:
    """The door is closed and the audit says by whom."""
    do_to(staff, "admin:organizations_apikey_changelist", [world.key], "revoke")

    world.key.refresh_from_db()
    assert world.key.revoked_at is not None
    assert last_audit() == ("api_key.revoke", "staff", "root")


def test_a_variant_is_disabled_and_the_baseline_is_not(
    staff: Client, world: World
) -> None:
    """A new policy version serves and a regime opens; the baseline is a message."""
    baseline, second = world.optimization.variants.order_by("number")[:2]

    do(staff, second, "disable")
    refused = do(staff, baseline, "disable")

    assert world.optimization.servable() == [1, 3, 4]
    assert Regime.objects.count() == 2
    assert "baseline" in refused[0]


def test_a_draft_is_deleted(staff: Client, world: World) -> None:
    """And the browser is sent back to the list."""
    draft = staff_world.optimization(
        world.organization, world.metric, "Idea", status="draft"
    )

    answer = staff.post(dialog(draft, "remove"), {"_form_submitted": "on"})

    assert answer.headers["Location"] == reverse(LIST)
    assert not Optimization.objects.filter(pk=draft.pk).exists()


def form_of(optimization: Optimization, **changes: Any) -> dict[str, Any]:
    """Fill the settings form as it stands, with changes."""
    return {
        "name": optimization.name,
        "holdout_percentage": "10.0",
        "allocation": "default",
        "exploration_share": "0.01",
        "retrain_every_minutes": "60",
        "expected_users": "",
        "excluded_combinations": "[]",
        "allowed_origins": "",
        "excluded_users": "",
        "guardrail_metrics": [],
        **changes,
    }


def save(client: Client, optimization: Optimization, **changes: Any) -> Any:
    """Post the settings form."""
    path = reverse("admin:optimizations_optimization_change", args=[optimization.pk])
    return client.post(path, form_of(optimization, **changes))


def test_settings_change_by_the_deed(staff: Client, world: World) -> None:
    """A changed holdout opens a regime; the audit holds what changed and nothing else."""
    guard = staff_world.metric(world.organization, "Refunds")

    answer = save(
        staff,
        world.optimization,
        name="Checkout 2",
        holdout_percentage="20",
        allowed_origins="https://shop.example\n",
        guardrail_metrics=[str(guard.pk)],
    )

    world.optimization.refresh_from_db()
    assert answer.status_code == 302
    assert world.optimization.name == "Checkout 2"
    assert world.optimization.allowed_origins == ["https://shop.example"]
    assert list(world.optimization.guardrail_metrics.all()) == [guard]
    assert Regime.objects.latest("number").holdout_percentage == 20
    assert set(AuditEntry.objects.latest("id").changes) == {
        *("name", "holdout_percentage", "allowed_origins", "guardrail_metric_ids")
    }


def test_saving_without_a_change_does_nothing(staff: Client, world: World) -> None:
    """No audit entry, no new regime."""
    entries = AuditEntry.objects.count()

    answer = save(staff, world.optimization)

    assert answer.status_code == 302
    assert AuditEntry.objects.count() == entries
    assert Regime.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"holdout_percentage": "51"}, "less than or equal to 50"),
        ({"holdout_percentage": "nan"}, "Enter a number"),
        ({"exploration_share": "0.5"}, "less than or equal to 0.2"),
        ({"excluded_combinations": '{"a": 1}'}, "list of objects"),
        ({"excluded_combinations": '[{"size": "XL"}]'}, "is no design factor"),
        ({"allowed_origins": "not an origin"}, "must be an origin"),
        ({"name": ""}, "required"),
    ],
)
def test_what_the_api_refuses_is_refused_here(
    staff: Client, world: World, changes: dict[str, str], complaint: str
) -> None:
    """In the form, beside the field; nothing is written."""
    before = Optimization.objects.values().get()
    entries = AuditEntry.objects.count()

    answer = save(staff, world.optimization, **changes)

    assert answer.status_code == 200
    assert complaint in answer.content.decode()
    assert Optimization.objects.values().get() == before
    assert AuditEntry.objects.count() == entries


def test_users_are_left_out_of_results(staff: Client, world: World) -> None:
    """By id or prefix, with an audit entry."""
    save(staff, world.optimization, excluded_users="bot-*\nqa-1")

    world.optimization.refresh_from_db()
    assert world.optimization.excluded_users == ["bot-*", "qa-1"]
    assert last_audit() == ("optimization.change", "staff", "root")


def test_another_organizations_metric_cannot_be_chosen(
    staff: Client, world: World
) -> None:
    """Its id is no choice of the form."""
    other = staff_world.world("Other")

    answer = save(staff, world.optimization, guardrail_metrics=[str(other.metric.pk)])

    assert answer.status_code == 200
    assert not world.optimization.guardrail_metrics.exists()


def test_who_may_only_look_does_no_deed(client: Client, world: World) -> None:
    """View rights give lists without actions, and 403 on the deed itself."""
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_optimization"))
    client.force_login(viewer)

    page = client.get(reverse(LIST))
    answer = client.post(dialog(world.optimization, "stop"), {"_form_submitted": "on"})

    world.optimization.refresh_from_db()
    assert page.status_code == 200
    assert answer.status_code == 403
    assert world.optimization.status == "live"


def test_nobody_lifts_themselves_up(client: Client) -> None:
    """Staff who may change users hand out no rights and touch no superuser."""
    root = staff_world.superuser(password=staff_world.PASSWORD)
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(
        *Permission.objects.filter(codename__in=["view_user", "change_user"])
    )
    client.force_login(clerk)

    own = reverse("admin:auth_user_change", args=[clerk.pk])
    client.post(own, {"username": "clerk", "is_superuser": "on", "is_active": "on"})
    roots = reverse("admin:auth_user_password_change", args=[root.pk])
    answer = client.post(roots, {"password1": "x" * 12, "password2": "x" * 12})

    clerk.refresh_from_db()
    root.refresh_from_db()
    assert not clerk.is_superuser
    assert answer.status_code == 403
    assert root.check_password(staff_world.PASSWORD)
