"""Nobody touches a user or a group with rights that they lack; deleting takes its right."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from levered_site.admin.actions import AdminActionsMixin
from tests.support import (
    admin_actions,
    admin_forms,
    factories,
    optimization_factories,
    staff_world,
)
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db

PASSWORD = {"password1": "x7-quite-long", "password2": "x7-quite-long"}
STAFF_RIGHTS = tuple(
    f"{verb}_{model}"
    for verb in ("view", "add", "change", "delete")
    for model in ("user", "group")
)


def make_user(name: str, *rights: str, **fields: Any) -> User:
    """Create a user of the admin with rights."""
    user = User.objects.create_user(name, is_staff=True, **fields)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    return user


def make_group(*rights: str) -> Group:
    """Create a group with rights."""
    group = Group.objects.create(name="role")
    group.permissions.set(Permission.objects.filter(codename__in=rights))
    return group


@pytest.fixture
def clerk(client: Client) -> User:
    """Log in somebody with every right on users and groups."""
    user = make_user("clerk", *STAFF_RIGHTS)
    client.force_login(user)
    return user


def make_users_above() -> list[User]:
    """Create users with rights that the clerk lacks, each in another way."""
    member = make_user("by_group")
    member.groups.add(make_group("change_optimization"))
    organization = factories.make_organization()
    return [
        staff_world.make_member(organization, "viewer", "by_role"),
        staff_world.make_member(organization, "owner", "gone", is_active=False),
        staff_world.make_superuser(),
        make_user("inactive_root", is_superuser=True, is_active=False),
        make_user("right", "change_metric"),
        make_user("inactive", "change_metric", is_active=False),
        member,
    ]


def read_users() -> list[Any]:
    """Return all users with what a takeover would change."""
    rows = User.objects.order_by("pk").values(
        *("username", "email", "password", "is_active", "is_staff", "is_superuser"),
        *("groups", "user_permissions"),
    )
    return list(rows)


def test_no_page_changes_or_deletes_a_user_with_more_rights(
    client: Client, clerk: User
) -> None:
    users = make_users_above()
    before = read_users()

    for user in users:
        pages = {
            name: reverse(f"admin:auth_user_{name}", args=[user.pk])
            for name in ("change", "password_change", "delete")
        }
        assert client.get(pages["change"]).status_code == 200, "may be viewed"
        changes = {"username": user.username, "email": "me@shop.example"}
        assert client.post(pages["change"], changes).status_code == 403
        assert client.post(pages["password_change"], PASSWORD).status_code == 403
        assert client.post(pages["delete"], {"post": "yes"}).status_code == 403
        assert client.get(pages["delete"]).status_code == 403

    assert read_users() == before


def test_the_list_action_deletes_nobody_if_one_has_more_rights(
    client: Client, clerk: User
) -> None:
    above, below = staff_world.make_superuser(), make_user("below")

    client.post(
        reverse("admin:auth_user_changelist"),
        {
            "action": "delete_selected",
            ACTION_CHECKBOX_NAME: [above.pk, below.pk],
            "post": "yes",
        },
    )

    assert User.objects.filter(pk__in=[above.pk, below.pk]).count() == 2


def test_users_with_the_same_or_fewer_rights_may_be_changed_and_deleted(
    client: Client, clerk: User
) -> None:
    below = make_user("below", "view_user")
    form = admin_forms.open_form(client, below)

    changed = admin_forms.send_form(client, below, form, email="b@shop.example")
    path = reverse("admin:auth_user_password_change", args=[below.pk])
    reset = client.post(path, {**PASSWORD, "usable_password": "true"})

    below.refresh_from_db()
    assert (changed.status_code, reset.status_code) == (302, 302)
    assert below.email == "b@shop.example"
    assert below.check_password(PASSWORD["password1"])

    other = make_user("other")
    path = reverse("admin:auth_user_delete", args=[other.pk])
    assert client.post(path, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=other.pk).exists()


def test_nobody_joins_a_group_or_takes_a_right_by_a_form(
    client: Client, clerk: User
) -> None:
    group = make_group("change_optimization")
    below = make_user("below")
    rights = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
    grab = {
        "groups": [str(group.pk)],
        "user_permissions": rights,
        "is_superuser": "on",
        "is_staff": "on",
    }

    for user in (clerk, below):
        admin_forms.send_form(client, user, {"username": [user.username]}, **grab)

    for user in (clerk, below):
        user.refresh_from_db()
        assert not user.is_superuser
        assert not user.groups.exists()
    assert clerk.user_permissions.count() == len(STAFF_RIGHTS)
    assert not below.user_permissions.exists()


def test_a_group_with_more_rights_or_such_a_member_is_left_alone(
    client: Client, clerk: User
) -> None:
    strong = make_group("change_optimization")
    plain = Group.objects.create(name="plain")
    staff_world.make_superuser().groups.add(plain)

    for group in (strong, plain):
        change = reverse("admin:auth_group_change", args=[group.pk])
        delete = reverse("admin:auth_group_delete", args=[group.pk])
        assert client.post(change, {"name": "mine"}).status_code == 403
        assert client.post(delete, {"post": "yes"}).status_code == 403
        client.post(
            reverse("admin:auth_group_changelist"),
            {
                "action": "delete_selected",
                ACTION_CHECKBOX_NAME: [group.pk],
                "post": "yes",
            },
        )

    assert set(Group.objects.values_list("name", flat=True)) == {"role", "plain"}


def test_superusers_touch_everybody(staff: Client) -> None:
    other = staff_world.make_superuser("other")
    form = admin_forms.open_form(staff, other)

    changed = admin_forms.send_form(staff, other, form, email="o@shop.example")
    path = reverse("admin:auth_user_delete", args=[other.pk])

    assert changed.status_code == 302
    assert staff.get(path).status_code == 200


def test_whose_changes_are_recorded_is_deactivated_not_deleted(
    staff: Client,
) -> None:
    """Deleting them would delete the entries that tell who changed what."""
    other = make_user("boss", is_superuser=True)
    LogEntry.objects.log_actions(
        other.pk, [make_user("clerk")], CHANGE, "name", single_object=True
    )
    page = reverse("admin:auth_user_change", args=[other.pk])
    deletion = reverse("admin:auth_user_delete", args=[other.pk])

    shown = staff.get(page).content.decode()
    refused = staff.post(deletion, {"post": "yes"})

    assert refused.status_code == 403
    assert deletion not in shown
    assert "instead of deleting" in shown
    assert User.objects.filter(pk=other.pk).exists()


def list_deletions(world: World) -> list[tuple[Model, str]]:
    """Return an object and the name of its action, for each action that deletes."""
    draft = optimization_factories.make_optimization(world.organization, status="draft")
    unused = staff_world.make_metric(world.organization, "Unused")
    return [
        (draft, "remove"),
        (unused, "forget"),
        (world.key, "revoke"),
        (world.optimization.model, "retire"),
    ]


@pytest.mark.parametrize("role", ["editor", "owner"])
def test_what_deletes_takes_an_owner(client: Client, world: World, role: str) -> None:
    deletions = list_deletions(world)
    client.force_login(staff_world.make_member(world.organization, role))
    confirmed = {"_form_submitted": "on"}

    for target, action in deletions:
        options = target._meta
        listing = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
        page = client.get(listing).content.decode()
        answer = client.post(admin_actions.build_dialog_url(target, action), confirmed)

        is_allowed = role == "owner"
        assert (f'value="{action}"' in page) == is_allowed, action
        assert answer.status_code == (302 if is_allowed else 403), action


def test_the_list_action_that_deletes_is_refused_to_editors(
    client: Client, world: World
) -> None:
    unused = staff_world.make_metric(world.organization, "Unused")
    client.force_login(staff_world.make_member(world.organization, "editor"))

    admin_actions.confirm_list_action(
        client, "admin:metrics_metric_changelist", [unused], "forget"
    )

    assert type(unused).objects.filter(pk=unused.pk).exists()


def test_owners_alone_do_what_takes_an_admin_in_the_api() -> None:
    roles = {
        action.name: action.role
        for page in admin.site._registry.values()
        if isinstance(page, AdminActionsMixin)
        for action in page.admin_actions
    }

    owning = {name for name, role in roles.items() if role == "owner"}
    editing = {name for name, role in roles.items() if role == "editor"}
    deleting = {"remove", "discard", "disconnect", "forget", "retire", "revoke"}
    assert owning == deleting | {"ship", "stop", "archive", "unarchive", "promote"}
    assert editing == {
        *("train", "resume", "pause", "enable", "disable", "cancel", "test"),
        "count",
    }
