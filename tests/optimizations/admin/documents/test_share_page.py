"""The admin page on which links are made, listed and revoked."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import AuditEntry
from optimizations.admin import page_head
from optimizations.models import Optimization, ShareLink
from optimizations.sharing import links
from tests.support import staff_world
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return staff_world.make_world()


@pytest.fixture
def editor(client: Client, world: World) -> Client:
    client.force_login(staff_world.make_member(world.organization, "editor"))
    return client


def build_path(optimization: Optimization) -> str:
    return reverse(f"admin:{page_head.SHARE_URL}", args=[optimization.pk])


def read_token(page: str) -> str:
    found = re.search(r'name="form_token" value="(\w+)"', page)
    assert found is not None
    return found[1]


def test_an_editor_makes_a_link_and_sees_its_address_once(
    editor: Client, world: World
) -> None:
    path = build_path(world.optimization)
    token = read_token(editor.get(path).content.decode())
    form = {
        "do": "make",
        "form_token": token,
        "label": " Board ",
        "expires_in_days": 90,
    }

    made = editor.post(path, form)
    again = editor.post(path, form)
    listed = editor.get(path).content.decode()

    page = made.content.decode()
    address = re.search(r'value="([^"]+/shared/[\w-]+)"', page)
    assert address is not None
    assert links.open_link(address[1].rpartition("/")[2]) is not None
    assert "no-store" in made["Cache-Control"]
    assert "This form was sent before" in again.content.decode()
    assert "lev_share_" not in listed
    assert '<td data-label="for whom">Board</td>' in listed
    assert '<td data-label="made by">clerk</td>' in listed
    link = ShareLink.objects.get()
    assert (link.expires_at - link.created_at).days in {89, 90}
    entry = AuditEntry.objects.get(action="share_link.create")
    assert (entry.actor_kind, entry.actor_id) == ("staff", "clerk")


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ({"expires_in_days": "1"}, "expires_in_days"),
        ({}, "expires_in_days"),
        ({"expires_in_days": "7", "label": "x" * 201}, "label"),
        ({"expires_in_days": "7", "label": "a\0b"}, "label"),
    ],
)
def test_a_form_that_is_not_valid_makes_nothing_and_says_why(
    editor: Client, world: World, form: dict[str, str], problem: str
) -> None:
    answer = editor.post(build_path(world.optimization), {"do": "make", **form})

    alert = answer.content.decode().partition('role="alert"')[2].partition("</ul>")[0]
    assert problem in alert
    assert not ShareLink.objects.exists()


def test_an_editor_revokes_a_link_at_once(editor: Client, world: World) -> None:
    link, url = links.create_link(world.optimization, SYSTEM_ACTOR, days=7, label="Ann")
    path = build_path(world.optimization)

    answer = editor.post(path, {"do": "revoke", "link": link.pk}, follow=True)

    page = answer.content.decode()
    assert "Revoked: Ann" in page
    assert "there is no link" in page
    assert links.open_link(url.rpartition("/")[2]) is None


def test_a_viewer_sees_links_and_neither_makes_nor_revokes_any(
    client: Client, world: World
) -> None:
    link, _ = links.create_link(world.optimization, SYSTEM_ACTOR, days=7, label="Ann")
    client.force_login(staff_world.make_member(world.organization, "viewer"))
    path = build_path(world.optimization)

    page = client.get(path).content.decode()
    made = client.post(path, {"do": "make", "expires_in_days": 7})
    revoked = client.post(path, {"do": "revoke", "link": link.pk})

    assert "Ann" in page
    assert 'method="post" class="opt-share-form"' not in page
    assert 'value="revoke"' not in page
    assert (made.status_code, revoked.status_code) == (403, 403)
    assert ShareLink.objects.listed().count() == 1


def test_a_link_of_another_optimization_is_not_revoked_from_here(
    editor: Client, world: World
) -> None:
    other = staff_world.make_world("Other")
    link, _ = links.create_link(other.optimization, SYSTEM_ACTOR, days=7)
    path = build_path(world.optimization)

    for key in (str(link.pk), "nothing"):
        assert editor.post(path, {"do": "revoke", "link": key}).status_code == 404
    assert ShareLink.objects.listed().filter(pk=link.pk).exists()
