"""Staff upload screenshots of variants with the limits and checks of the API."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import reverse

from levered_site.organizations.models import AuditEntry
from optimizations.configuration import screenshots
from optimizations.models import Variant
from tests.support import factories, pictures, staff_world
from tests.support.factories import Api
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def variant(world: World) -> Variant:
    return world.optimization.variants.get(number=2)


def build_path(variant: Variant) -> str:
    return reverse("admin:optimizations_variant_screenshot", args=[variant.pk])


def upload(client: Client, variant: Variant, content: bytes) -> Any:
    file = SimpleUploadedFile("picture.png", content, "image/png")
    return client.post(build_path(variant), {"picture": file}, follow=True)


@pytest.mark.parametrize("role", ["viewer", "editor", "owner"])
def test_who_may_upload_and_who_sees_the_link(
    client: Client, world: World, variant: Variant, role: str
) -> None:
    client.force_login(staff_world.make_member(world.organization, role))
    may_upload = role != "viewer"

    page = client.get(reverse("admin:optimizations_variant_change", args=[variant.pk]))
    form = client.get(build_path(variant))
    answer = upload(client, variant, pictures.build_png())

    assert (build_path(variant) in page.content.decode()) == may_upload
    assert form.status_code == answer.status_code == (200 if may_upload else 403)
    variant.refresh_from_db()
    assert (variant.screenshot is not None) == may_upload


def test_an_upload_is_what_rest_shows(
    client: Client, world: World, variant: Variant
) -> None:
    client.force_login(staff_world.make_member(world.organization, "editor"))
    picture = pictures.build_png(filler=5)
    upload(client, variant, pictures.build_png(filler=9))

    page = upload(client, variant, picture).content.decode()

    api = Api(factories.admin_token(world.organization))
    path = f"/optimizations/{world.optimization.pk}/variants/by-number/2/screenshot"
    shown: Any = api.request("GET", path)
    assert b"".join(shown) == picture
    assert "Saved the screenshot of variant 2." in page
    assert "Replace it by" in page
    entries = AuditEntry.objects.filter(action="variant.screenshot")
    assert [(entry.actor_kind, entry.changes["number"]) for entry in entries] == [
        ("staff", 2),
        ("staff", 2),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"GIF89a", screenshots.INVALID_PNG_MESSAGE, id="another format"),
        pytest.param(
            pictures.build_png()[:-4], screenshots.INVALID_PNG_MESSAGE, id="cut off"
        ),
        pytest.param(
            pictures.build_png(filler=screenshots.MAX_SCREENSHOT_BYTES),
            screenshots.TOO_LARGE_MESSAGE,
            id="too large",
        ),
        pytest.param(
            pictures.build_png(width=30_000),
            "this one has 30000 x 2",
            id="too wide",
        ),
        pytest.param(
            pictures.build_png(height=20),
            screenshots.BROKEN_PNG_MESSAGE,
            id="pixels are missing",
        ),
        pytest.param(None, "Choose a PNG file first.", id="no file"),
    ],
)
def test_a_refused_file_is_explained_and_changes_nothing(
    client: Client, world: World, variant: Variant, content: bytes | None, message: str
) -> None:
    client.force_login(staff_world.make_member(world.organization, "editor"))
    if content is None:
        page = client.post(build_path(variant)).content.decode()
    else:
        page = upload(client, variant, content).content.decode()

    assert message in page.partition('id="picture-problem"')[2].partition("</span>")[0]
    assert 'aria-invalid="true"' in page
    variant.refresh_from_db()
    assert variant.screenshot is None


def test_the_organizations_room_for_screenshots_is_kept(
    client: Client, world: World, variant: Variant
) -> None:
    client.force_login(staff_world.make_member(world.organization, "editor"))
    with override_settings(SCREENSHOT_BYTES=100):
        page = upload(client, variant, pictures.build_png(filler=200)).content.decode()

    assert "100 are allowed: send smaller ones" in page
