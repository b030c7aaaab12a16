"""Permissions in the admin: what users may view and do, and what no one may."""

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from levered_site.organizations.models import AuditEntry
from models_app.models import BanditModel, PolicyVersion
from optimizations.models import Decision, Regime
from tests.support import admin_forms, staff_world
from tests.support.admin_actions import OPTIMIZATION_LIST, build_dialog_url
from tests.support.staff_world import World
from warehouse.models import Connection

pytestmark = pytest.mark.django_db


def test_only_staff_get_past_the_login_page(client: Client) -> None:
    """Anonymous visitors and users who are not staff are redirected to it."""
    staff_world.make_world()
    User.objects.create_user("visitor", password=staff_world.PASSWORD)
    path = reverse("admin:optimizations_optimization_changelist")

    anonymous = client.get(path)
    client.login(username="visitor", password=staff_world.PASSWORD)
    visitor = client.get(path)

    for answer in (anonymous, visitor):
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("admin:login"))


def test_staff_without_memberships_see_no_figures(client: Client) -> None:
    """The index says what is missing, and lists answer 403."""
    staff_world.make_world()
    client.force_login(User.objects.create_user("new", is_staff=True))

    index = client.get(reverse("admin:index"))
    listing = client.get(reverse("admin:optimizations_optimization_changelist"))

    assert "Live optimizations" not in index.content.decode()
    assert "not a member of any organization yet" in index.content.decode()
    assert listing.status_code == 403


def test_rights_of_django_open_nothing_of_an_organization(client: Client) -> None:
    """They are for users and groups; roles decide about everything else."""
    world = staff_world.make_world()
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.all())
    client.force_login(clerk)

    page = client.get(reverse("admin:index")).content.decode()
    listing = client.get(reverse(OPTIMIZATION_LIST))
    change = client.get(admin_forms.build_change_url(world.optimization))

    assert "Live optimizations" not in page
    assert (listing.status_code, change.status_code) == (403, 403)


@pytest.mark.parametrize(
    "model", [Decision, PolicyVersion, Regime, AuditEntry, BanditModel]
)
def test_records_are_read_only(staff: Client, model: type[Model]) -> None:
    """A POST adds, changes or deletes nothing."""
    world = staff_world.make_world()
    staff_world.record_decision(world.optimization, "visitor-1")
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    record = model._default_manager.first()
    assert record is not None
    before = list(model._default_manager.values())

    answers = [
        staff.post(reverse(f"{name}_add"), {}),
        staff.post(reverse(f"{name}_delete", args=[quote(record.pk)]), {"post": "yes"}),
        staff.post(reverse(f"{name}_change", args=[quote(record.pk)]), {"reason": "x"}),
    ]

    assert {answer.status_code for answer in answers} <= {302, 403}
    assert list(model._default_manager.values()) == before


def test_secrets_are_on_no_page(staff: Client) -> None:
    """Pages show neither the digest of a key nor credentials of a connection."""
    world = staff_world.make_world()
    stored_connection = Connection.objects.create(
        organization=world.organization,
        provider="postgres",
        credentials=b"gAAAA-not-for-eyes",
    )

    pages = [
        staff.get(path).content.decode()
        for path in (
            reverse("admin:organizations_apikey_change", args=[world.key.pk]),
            reverse("admin:organizations_apikey_changelist"),
            reverse("admin:warehouse_connection_change", args=[stored_connection.pk]),
            reverse("admin:warehouse_connection_changelist"),
        )
    ]

    for page in pages:
        assert world.key.digest not in page
        assert "not-for-eyes" not in page


def test_a_viewer_runs_no_action(client: Client, world: World) -> None:
    """A viewer sees lists; the action itself answers 403."""
    client.force_login(staff_world.make_member(world.organization, "viewer"))

    page = client.get(reverse(OPTIMIZATION_LIST))
    answer = client.post(
        build_dialog_url(world.optimization, "stop"), {"_form_submitted": "on"}
    )

    world.optimization.refresh_from_db()
    assert page.status_code == 200
    assert answer.status_code == 403
    assert world.optimization.status == "live"


def test_staff_do_not_extend_their_own_permissions(client: Client) -> None:
    """Staff who may change users cannot change permissions or superusers."""
    root = staff_world.make_superuser(password=staff_world.PASSWORD)
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


def test_staff_do_not_extend_the_permissions_of_groups(client: Client) -> None:
    """They may be members of the group themselves."""
    role = Group.objects.create(name="support")
    clerk = User.objects.create_user("clerk", is_staff=True)
    allowed = Permission.objects.filter(codename__in=["view_group", "change_group"])
    role.permissions.set(allowed)
    clerk.groups.add(role)
    client.force_login(clerk)

    every = [str(pk) for pk in Permission.objects.values_list("pk", flat=True)]
    shown = admin_forms.read_shown_values(client, role)
    admin_forms.send_form(client, role, shown, name="helpdesk", permissions=every)

    role.refresh_from_db()
    assert role.name == "helpdesk"
    assert set(role.permissions.all()) == set(allowed)
