"""Change forms write what their user changed, and nothing that changed meanwhile."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import AuditEntry
from metrics import definition
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Optimization, Regime
from tests.support import admin_forms, optimization_factories, staff_world
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db


def change(optimization: Optimization, **fields: Any) -> None:
    """Change an optimization as the API does."""
    lifecycle.update_optimization(optimization, fields, SYSTEM_ACTOR)


def test_an_old_form_of_an_optimization_writes_only_what_it_changed(
    staff: Client, world: World
) -> None:
    optimization = world.optimization
    guard = staff_world.make_metric(world.organization, "Refunds")
    form = admin_forms.open_form(staff, optimization)
    meanwhile = {
        "holdout_percentage": 30.0,
        "exploration_share": 0.05,
        "public_policy": True,
        "retrain_every_minutes": 90,
        "allocation": "thompson",
        "allowed_origins": ["https://shop.example"],
    }
    change(optimization, **meanwhile, guardrail_metric_ids=[guard.pk])
    create_update.exclude_users(optimization, ["qa-1", "bot-*"], SYSTEM_ACTOR)
    regimes = Regime.objects.count()

    answer = admin_forms.send_form(staff, optimization, form, name="Checkout 2")

    optimization.refresh_from_db()
    assert answer.status_code == 302
    assert optimization.name == "Checkout 2"
    assert {name: getattr(optimization, name) for name in meanwhile} == meanwhile
    assert optimization.excluded_users == ["qa-1", "bot-*"]
    assert list(optimization.guardrail_metrics.all()) == [guard]
    assert Regime.objects.count() == regimes
    assert AuditEntry.objects.latest("id").changes == {"name": "Checkout 2"}


def test_a_field_that_both_changed_is_refused_with_what_it_is_now(
    staff: Client, world: World
) -> None:
    optimization = world.optimization
    form = admin_forms.open_form(staff, optimization)
    change(optimization, holdout_percentage=30.0)

    changes = {"name": "Checkout 2", "holdout_percentage": "20"}
    refused = admin_forms.send_form(staff, optimization, form, **changes)
    again = admin_forms.send_form(staff, optimization, form, **changes)

    for answer in (refused, again):
        assert answer.status_code == 200
        assert "from “10.0” to “30.0”" in answer.content.decode()
    optimization.refresh_from_db()
    assert optimization.holdout_percentage == 30
    assert optimization.name != "Checkout 2"


def test_a_form_that_was_refused_still_knows_what_it_showed_first(
    staff: Client, world: World
) -> None:
    optimization = world.optimization
    form = admin_forms.open_form(staff, optimization)
    change(optimization, holdout_percentage=30.0)
    invalid = admin_forms.send_form(
        staff, optimization, form, retrain_every_minutes="many"
    )
    reader = admin_forms._FormReader("optimization_form")
    reader.feed(invalid.content.decode())

    answer = admin_forms.send_form(
        staff, optimization, reader.fields, retrain_every_minutes="500"
    )

    optimization.refresh_from_db()
    assert answer.status_code == 302
    assert optimization.holdout_percentage == 30
    assert optimization.retrain_every_minutes == 500


def test_the_same_change_on_both_sides_is_no_conflict(
    staff: Client, world: World
) -> None:
    form = admin_forms.open_form(staff, world.optimization)
    change(world.optimization, holdout_percentage=30.0)
    entries = AuditEntry.objects.count()

    answer = admin_forms.send_form(
        staff, world.optimization, form, holdout_percentage="30"
    )

    assert answer.status_code == 302
    assert AuditEntry.objects.count() == entries


def test_a_change_of_a_field_that_became_fixed_is_refused(
    staff: Client, world: World
) -> None:
    draft = optimization_factories.make_optimization(
        world.organization, status="draft", reward_metric_id=world.metric.pk
    )
    other = staff_world.make_metric(world.organization, "Refunds")
    form = admin_forms.open_form(staff, draft)
    lifecycle.resume_optimization(draft, SYSTEM_ACTOR)

    unchanged = admin_forms.send_form(staff, draft, form, name="Renamed")
    answer = admin_forms.send_form(staff, draft, form, reward_metric=str(other.pk))

    draft.refresh_from_db()
    assert unchanged.status_code == 302
    assert answer.status_code == 200
    assert "reward_metric cannot be changed any more" in answer.content.decode()
    assert (draft.name, draft.reward_metric) == ("Renamed", world.metric)


def test_the_expected_users_are_read_only_once_live(
    staff: Client, world: World
) -> None:
    form = admin_forms.open_form(staff, world.optimization)

    admin_forms.send_form(staff, world.optimization, form, expected_users="500")

    world.optimization.refresh_from_db()
    assert "expected_users" not in form
    assert world.optimization.expected_users is None


def test_an_old_form_of_a_metric_does_not_put_its_sql_back(
    staff: Client, world: World
) -> None:
    metric = world.metric
    lines = metric.sql.replace(" WHERE", "\nWHERE") + "\n"
    definition.update_metric(metric, {"sql": lines}, SYSTEM_ACTOR)
    form = admin_forms.open_form(staff, metric)
    newer = lines.replace("purchase", "order")
    definition.update_metric(metric, {"sql": newer}, SYSTEM_ACTOR)
    metric.refresh_from_db()
    revision = metric.revision

    renamed = admin_forms.send_form(staff, metric, form, name="Orders")
    rewritten = admin_forms.send_form(
        staff, metric, form, sql=lines.replace("purchase", "refund")
    )

    metric.refresh_from_db()
    assert (renamed.status_code, rewritten.status_code) == (302, 200)
    assert "Changed meanwhile" in rewritten.content.decode()
    assert (metric.name, metric.sql, metric.revision) == ("Orders", newer, revision)


def test_saving_sql_of_several_lines_unchanged_opens_no_regime(
    staff: Client, world: World
) -> None:
    metric = world.metric
    lines = metric.sql.replace(" WHERE", "\nWHERE 1 = 1 AND") + "\n"
    definition.update_metric(metric, {"sql": lines}, SYSTEM_ACTOR)
    metric.refresh_from_db()
    revision = metric.revision

    admin_forms.send_form(staff, metric, admin_forms.open_form(staff, metric))

    metric.refresh_from_db()
    assert (metric.sql, metric.revision) == (lines, revision)


def test_an_old_form_of_a_user_gives_no_right_back(staff: Client) -> None:
    role = Group.objects.create(name="support")
    clerk = User.objects.create_user("clerk", is_staff=True, is_superuser=True)
    clerk.groups.add(role)
    form = admin_forms.open_form(staff, clerk)
    User.objects.filter(pk=clerk.pk).update(is_superuser=False, is_active=False)
    clerk.groups.clear()

    answer = admin_forms.send_form(staff, clerk, form, first_name="Ann")

    clerk.refresh_from_db()
    assert answer.status_code == 302, answer.content.decode()
    assert (clerk.first_name, clerk.is_superuser, clerk.is_active) == (
        "Ann",
        False,
        False,
    )
    assert not clerk.groups.exists()
    assert clerk.password not in form["shown_values"][0]


def test_an_old_form_of_a_group_gives_no_right_back(staff: Client) -> None:
    role = Group.objects.create(name="support")
    role.permissions.set(Permission.objects.filter(codename="change_user"))
    form = admin_forms.open_form(staff, role)
    role.permissions.clear()

    renamed = admin_forms.send_form(staff, role, form, name="helpdesk")
    added = admin_forms.send_form(
        staff,
        role,
        form,
        permissions=[str(Permission.objects.get(codename="view_user").pk)],
    )

    role.refresh_from_db()
    assert (renamed.status_code, added.status_code) == (302, 200)
    assert (role.name, role.permissions.count()) == ("helpdesk", 0)


def test_an_old_form_of_an_organization_keeps_the_newer_name(
    staff: Client, world: World
) -> None:
    organization = world.organization
    form = admin_forms.open_form(staff, organization)
    type(organization).objects.update(name="Newer")

    unchanged = admin_forms.send_form(staff, organization, form)
    renamed = admin_forms.send_form(staff, organization, form, name="Older")

    organization.refresh_from_db()
    assert (unchanged.status_code, renamed.status_code) == (302, 200)
    assert organization.name == "Newer"


BROKEN_TEXTS = ["", "{}", "{bad", "[]", "null", "[" * 100_000, '{"x": 1}']


@pytest.mark.parametrize("text", [None, *BROKEN_TEXTS], ids=lambda text: repr(text)[:9])
@pytest.mark.parametrize("kind", ["optimization", "metric", "organization", "user"])
def test_a_form_that_does_not_say_what_it_showed_is_refused(
    staff: Client, world: World, kind: str, text: str | None
) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    rows = {
        "optimization": world.optimization,
        "metric": world.metric,
        "organization": world.organization,
        "user": clerk,
    }
    refuse_broken_form(staff, rows[kind], text)


@pytest.mark.parametrize("text", [None, *BROKEN_TEXTS], ids=lambda text: repr(text)[:9])
def test_a_form_of_a_group_that_does_not_say_what_it_showed_is_refused(
    staff: Client, text: str | None
) -> None:
    refuse_broken_form(staff, Group.objects.create(name="support"), text)


def refuse_broken_form(staff: Client, row: Any, text: str | None) -> None:
    """Send the row's form with broken shown values; nothing may be written."""
    form = admin_forms.open_form(staff, row)
    del form["shown_values"]
    if text is not None:
        form["shown_values"] = [text]
    stored = type(row).objects.filter(pk=row.pk).values().get()
    field = "first_name" if isinstance(row, User) else "name"

    answer = admin_forms.send_form(staff, row, form, **{field: "Renamed"})

    assert answer.status_code == 200
    assert "This form does not say what it showed: reload" in answer.content.decode()
    assert type(row).objects.filter(pk=row.pk).values().get() == stored


def test_a_shown_value_left_out_of_a_form_refuses_it(
    staff: Client, world: World
) -> None:
    optimization = world.optimization
    form = admin_forms.open_form(staff, optimization)
    shown = json.loads(form["shown_values"][0])
    del shown["holdout_percentage"]
    change(optimization, holdout_percentage=30.0)

    answer = admin_forms.send_form(
        staff, optimization, form, shown_values=json.dumps(shown)
    )

    optimization.refresh_from_db()
    assert answer.status_code == 200
    assert optimization.holdout_percentage == 30
