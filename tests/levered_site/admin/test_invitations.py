"""Inviting staff: a user with a role, and a link that sets the password once."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from levered_site.organizations.models import (
    AuditEntry,
    Organization,
    StaffMembership,
)
from tests.support import admin_forms, factories, staff_world

pytestmark = pytest.mark.django_db

LINK = re.compile(r'value="(http://testserver/admin/set-password/[^"]+)"')
PASSWORD = staff_world.PASSWORD


@pytest.fixture
def acme() -> Organization:
    return factories.make_organization("Acme")


@pytest.fixture
def owner(client: Client, acme: Organization) -> Client:
    """Log in an owner of the organization."""
    client.force_login(staff_world.make_member(acme, "owner"))
    return client


def invite(client: Client, organization: Organization, **values: Any) -> Any:
    """Open the form of a new role, invite somebody, send it."""
    form = admin_forms.open_add_form(client, StaffMembership)
    sent = {
        **form,
        "username": "ann",
        "is_invited": "on",
        "email": "ann@example.com",
        "organization": organization.pk,
        "role": "editor",
        **values,
    }
    return client.post(admin_forms.build_add_url(StaffMembership), sent)


def set_password(link: str, password: str = PASSWORD) -> Any:
    """Open the link as the invited person, and set a password."""
    person = Client()
    form = person.get(urlsplit(link).path, follow=True)
    path = form.redirect_chain[-1][0] if form.redirect_chain else link
    fields = {"new_password1": password, "new_password2": password}
    return person.post(path, fields, follow=True)


def test_an_invited_user_sets_a_password_and_sees_the_organization(
    owner: Client, acme: Organization
) -> None:
    answer = invite(owner, acme)

    (link,) = LINK.findall(answer.content.decode())
    user = User.objects.get(username="ann")
    assert (user.email, user.is_staff, user.is_superuser) == (
        "ann@example.com",
        True,
        False,
    )
    assert not user.has_usable_password()
    done = set_password(link)
    assert "Your password is set" in done.content.decode()
    ann = Client()
    assert ann.login(username="ann", password=PASSWORD)
    page = ann.get(f"/admin/organizations/organization/{acme.pk}/change/")
    assert page.status_code == 200
    entry = AuditEntry.objects.get(action="staff_membership.create")
    assert (entry.actor_id, entry.changes) == (
        "clerk",
        {"user": "ann", "role": "editor"},
    )
    change = LogEntry.objects.get(content_type__model="user")
    assert (change.user.username, change.object_repr) == ("clerk", "ann")


def test_the_link_works_once(owner: Client, acme: Organization) -> None:
    (link,) = LINK.findall(invite(owner, acme).content.decode())
    set_password(link)

    again = set_password(link, "another long password")

    assert "This link was used before" in again.content.decode()
    assert User.objects.get(username="ann").check_password(PASSWORD)


def test_the_link_ends_after_three_days(
    owner: Client, acme: Organization, settings: Any
) -> None:
    (link,) = LINK.findall(invite(owner, acme).content.decode())
    assert settings.PASSWORD_RESET_TIMEOUT == 3 * 24 * 3600
    settings.PASSWORD_RESET_TIMEOUT = -1

    page = Client().get(urlsplit(link).path, follow=True)

    assert "This link was used before" in page.content.decode()


def test_a_weak_password_is_refused(owner: Client, acme: Organization) -> None:
    (link,) = LINK.findall(invite(owner, acme).content.decode())

    answer = set_password(link, "ann")

    assert "too short" in answer.content.decode()
    assert not User.objects.get(username="ann").has_usable_password()


def test_the_link_is_in_one_response_only(owner: Client, acme: Organization) -> None:
    answer = invite(owner, acme)

    (link,) = LINK.findall(answer.content.decode())
    token = link.rstrip("/").rpartition("/")[2]
    assert "no-store" in answer["Cache-Control"]
    membership = StaffMembership.objects.get(user__username="ann")
    page = owner.get(admin_forms.build_change_url(membership)).content.decode()
    stored = [
        *map(str, AuditEntry.objects.values()),
        *map(str, LogEntry.objects.values()),
    ]
    for text in (page, *stored):
        assert token not in text


@pytest.mark.parametrize(
    ("values", "field", "complaint"),
    [
        ({"username": ""}, "username", "required"),
        ({"username": "clerk"}, "username", "already exists"),
        ({"username": "no spaces"}, "username", "valid username"),
        ({"email": "nowhere"}, "email", "valid email"),
        ({"role": "king"}, "role", "valid choice"),
        ({"is_invited": ""}, "username", "To invite somebody new, tick the box"),
    ],
)
def test_an_error_stands_beside_its_field(
    owner: Client,
    acme: Organization,
    values: dict[str, str],
    field: str,
    complaint: str,
) -> None:
    sent = {
        name: value for name, value in values.items() if value or name != "is_invited"
    }
    form = admin_forms.open_add_form(owner, StaffMembership)
    base = {"username": "ann", "organization": acme.pk, "role": "editor", "email": ""}
    if "is_invited" not in values:
        base["is_invited"] = "on"

    answer = owner.post(
        admin_forms.build_add_url(StaffMembership), {**form, **base, **sent}
    )

    errors = admin_forms.read_errors(answer)
    assert list(errors) == [field]
    assert complaint in errors[field][0]
    assert User.objects.count() == 1
    assert StaffMembership.objects.count() == 1


def test_an_owner_invites_nobody_into_another_organization(
    owner: Client, acme: Organization
) -> None:
    other = factories.make_organization("Other")
    staff_world.make_member(other, "editor")

    answer = invite(owner, other)

    assert list(admin_forms.read_errors(answer)) == ["organization"]
    assert not User.objects.filter(username="ann").exists()


def test_a_superuser_invites_anywhere(staff: Client, acme: Organization) -> None:
    answer = invite(staff, acme, role="owner")

    assert LINK.findall(answer.content.decode())
    assert StaffMembership.objects.get().role == "owner"
