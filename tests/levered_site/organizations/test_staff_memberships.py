"""Roles of staff: who gives and takes them, what an upgrade gives, what is recorded."""

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from threading import Barrier
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse

from levered_site.errors import ConflictError
from levered_site.organizations import staff_memberships
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import (
    AuditEntry,
    Organization,
    StaffMembership,
)
from levered_site.organizations.staff_roles import load_staff_roles
from tests.support import admin_actions, admin_forms, factories, staff_world

pytestmark = pytest.mark.django_db

ADD = "admin:organizations_staffmembership_add"
LIST = "admin:organizations_staffmembership_changelist"
migration: Any = import_module(
    "levered_site.organizations.migrations.0004_staff_memberships"
)


@pytest.fixture
def shop() -> Organization:
    return factories.make_organization("Shop")


@pytest.fixture
def owner(client: Client, shop: Organization) -> User:
    """Log in an owner of the shop."""
    user = staff_world.make_member(shop, "owner", "owner")
    client.force_login(user)
    return user


def get_membership(user: User) -> StaffMembership:
    return StaffMembership.objects.get(user=user)


def read_roles() -> dict[tuple[str, str], str]:
    """Return the role of each user in each organization, by their names."""
    rows = StaffMembership.objects.select_related("user", "organization")
    return {(row.user.username, row.organization.name): row.role for row in rows}


def test_an_owner_gives_and_changes_and_takes_roles(
    client: Client, shop: Organization, owner: User
) -> None:
    newcomer = User.objects.create_user("newcomer", is_staff=True)
    form = {"username": "newcomer", "organization": shop.pk, "role": "viewer"}

    added = client.post(reverse(ADD), form)
    membership = get_membership(newcomer)
    shown = admin_forms.open_form(client, membership)
    changed = admin_forms.send_form(client, membership, shown, role="editor")
    roles = read_roles()
    admin_actions.confirm_action(client, membership, "remove")

    assert (added.status_code, changed.status_code) == (302, 302)
    assert roles == {("owner", "Shop"): "owner", ("newcomer", "Shop"): "editor"}
    assert read_roles() == {("owner", "Shop"): "owner"}
    entries = AuditEntry.objects.filter(organization=shop).order_by("id")
    assert [
        (entry.action, entry.actor_kind, entry.actor_id, entry.changes)
        for entry in entries
    ] == [
        (
            f"staff_membership.{verb}",
            "staff",
            "owner",
            {"user": "newcomer", "role": role},
        )
        for verb, role in (("create", "viewer"), ("update", "editor"), ("delete", None))
    ]


def test_an_owner_gives_no_role_in_another_organization(
    client: Client, shop: Organization, owner: User
) -> None:
    other = factories.make_organization("Other")
    staff_world.make_member(other, "editor", "owner")
    User.objects.create_user("newcomer", is_staff=True)
    form = {"username": "newcomer", "organization": other.pk, "role": "viewer"}

    page = client.get(reverse(ADD)).content.decode()
    answer = client.post(reverse(ADD), form)

    assert answer.status_code == 200
    assert "Select a valid choice" in answer.content.decode()
    assert f'value="{shop.pk}"' in page
    assert f'value="{other.pk}"' not in page
    assert "newcomer" not in page
    assert not StaffMembership.objects.filter(user__username="newcomer").exists()


def test_an_owner_elsewhere_changes_no_role_here(client: Client, owner: User) -> None:
    other = factories.make_organization("Other")
    staff_world.make_member(other, "viewer", "owner")
    membership = get_membership(staff_world.make_member(other, "editor", "editor"))

    page = client.get(admin_forms.build_change_url(membership))
    answer = client.post(
        admin_forms.build_change_url(membership), {"role": "owner", "shown_values": ""}
    )
    removal = client.post(
        admin_actions.build_dialog_url(membership, "remove"),
        {"_form_submitted": "on"},
    )

    assert (page.status_code, answer.status_code, removal.status_code) == (
        200,
        403,
        403,
    )
    assert read_roles()[("editor", "Other")] == "editor"


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_only_owners_and_superusers_change_roles(
    client: Client, shop: Organization, role: str
) -> None:
    user = staff_world.make_member(shop, role)
    client.force_login(user)
    path = admin_forms.build_change_url(get_membership(user))

    answers = [
        client.get(reverse(ADD)),
        client.post(reverse(ADD), {"username": "clerk", "role": "owner"}),
        client.post(path, {"role": "owner"}),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert reverse(ADD) not in client.get(reverse(LIST)).content.decode()
    assert read_roles() == {("clerk", "Shop"): role}


@pytest.mark.parametrize("name", ["nobody", "visitor", "gone"])
def test_a_role_is_for_active_staff(client: Client, owner: User, name: str) -> None:
    User.objects.create_user("visitor")
    User.objects.create_user("gone", is_staff=True, is_active=False)
    organization = get_membership(owner).organization_id

    answer = client.post(
        reverse(ADD),
        {"username": name, "organization": organization, "role": "viewer"},
    )

    assert "There is no active staff user of this name." in answer.content.decode()
    assert StaffMembership.objects.count() == 1


def test_a_second_role_in_an_organization_is_refused(
    client: Client, shop: Organization, owner: User
) -> None:
    form = {"username": "owner", "organization": shop.pk, "role": "viewer"}

    answer = client.post(reverse(ADD), form)

    assert "owner is owner of Shop already" in answer.content.decode()
    assert read_roles() == {("owner", "Shop"): "owner"}


def test_the_last_owner_stays_but_for_superusers(
    client: Client, shop: Organization, owner: User
) -> None:
    membership = get_membership(owner)
    shown = admin_forms.open_form(client, membership)

    refused = admin_forms.send_form(client, membership, shown, role="editor")
    messages = admin_actions.confirm_action(client, membership, "remove")
    before = read_roles()
    client.force_login(staff_world.make_superuser())
    messages += admin_actions.confirm_action(client, membership, "remove")

    assert "owner is the last owner of Shop" in refused.content.decode()
    assert "owner is the last owner of Shop" in messages[0]
    assert before == {("owner", "Shop"): "owner"}
    assert read_roles() == {}


def test_of_two_owners_one_may_go(shop: Organization) -> None:
    """The other stays, though a third one is left who cannot log in."""
    staff_world.make_member(shop, "owner", "gone", is_active=False)
    one, two = (
        get_membership(staff_world.make_member(shop, "owner", name))
        for name in ("one", "two")
    )

    staff_memberships.remove_membership(one, SYSTEM_ACTOR, may_orphan=False)

    with pytest.raises(ConflictError, match="two is the last owner of Shop"):
        staff_memberships.change_role(two, "viewer", SYSTEM_ACTOR, may_orphan=False)
    assert read_roles() == {("gone", "Shop"): "owner", ("two", "Shop"): "owner"}


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_remove_each_other_at_once_leave_one(
    shop: Organization,
) -> None:
    memberships = [
        get_membership(staff_world.make_member(shop, "owner", name))
        for name in ("one", "two")
    ]
    barrier = Barrier(2)

    def remove(membership: StaffMembership) -> bool:
        try:
            with transaction.atomic():
                StaffMembership.objects.select_for_update().get(pk=membership.pk)
                barrier.wait(timeout=10)
                staff_memberships.remove_membership(
                    membership, SYSTEM_ACTOR, may_orphan=False
                )
        except ConflictError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as threads:
        removed = list(threads.map(remove, memberships))

    assert sorted(removed) == [False, True]
    assert StaffMembership.objects.count() == 1


def test_a_user_with_a_role_is_not_deleted(client: Client, shop: Organization) -> None:
    """Each role is removed first, with its audit entry."""
    user = staff_world.make_member(shop, "viewer")
    client.force_login(staff_world.make_superuser())
    path = reverse("admin:auth_user_delete", args=[user.pk])

    client.post(path, {"post": "yes"})

    assert User.objects.filter(pk=user.pk).exists()
    with pytest.raises(ProtectedError):
        user.delete()


@pytest.mark.parametrize(
    ("fields", "sees"),
    [({}, True), ({"is_active": False}, False), ({"is_staff": False}, False)],
)
def test_roles_count_for_active_staff_only(
    shop: Organization, fields: dict[str, bool], sees: bool
) -> None:
    user = staff_world.make_member(shop, "viewer")
    User.objects.filter(pk=user.pk).update(**fields)

    roles = load_staff_roles(User.objects.get(pk=user.pk))

    assert roles.has_in("viewer", shop.pk) is sees
    assert not roles.has_in("editor", shop.pk)
    assert not roles.has_in("viewer", None)


def make_user_with(rights: set[str], **fields: Any) -> User:
    """Create a staff user with rights, half of them by a group."""
    user = User.objects.create_user("clerk", is_staff=True, **fields)
    group = Group.objects.create(name="support")
    user.groups.add(group)
    for number, right in enumerate(sorted(rights)):
        app, codename = right.split(".")
        permission = Permission.objects.get(
            content_type__app_label=app, codename=codename
        )
        (group.permissions if number % 2 else user.user_permissions).add(permission)
    return user


def upgrade() -> None:
    """Do what the migration does to rows that are there."""
    with connection.schema_editor(atomic=False) as editor:
        migration.give_roles(apps, editor)


@pytest.mark.parametrize(
    ("rights", "role"),
    [
        (migration.OWNER_RIGHTS, "owner"),
        (migration.EDITOR_RIGHTS, "editor"),
        (migration.VIEWER_RIGHTS, "viewer"),
        ({"optimizations.view_optimization"}, None),
        (migration.OWNER_RIGHTS - {"organizations.view_auditentry"}, None),
        (migration.OWNER_RIGHTS - {"metrics.view_metric"}, "owner"),
    ],
)
def test_an_upgrade_gives_a_role_to_those_who_had_all_of_its_rights(
    rights: set[str], role: str | None
) -> None:
    """In each organization that there is, and it is recorded; nobody gains by it."""
    for name in ("One", "Two"):
        factories.make_organization(name)
    make_user_with(set(rights))

    upgrade()

    expected = {("clerk", name): role for name in ("One", "Two")} if role else {}
    assert read_roles() == expected
    actions = AuditEntry.objects.values_list("action", "actor_id")
    assert list(actions) == [("staff_membership.create", "migration")] * len(expected)


@pytest.mark.parametrize(
    "fields", [{"is_superuser": True}, {"is_active": False}], ids=str
)
def test_an_upgrade_gives_no_role_to_superusers_and_closed_accounts(
    shop: Organization, fields: dict[str, bool]
) -> None:
    make_user_with(set(migration.OWNER_RIGHTS), **fields)

    upgrade()

    assert read_roles() == {}
