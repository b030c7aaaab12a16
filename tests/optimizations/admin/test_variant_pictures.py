"""The screenshots on the cards of the tab Variants, and what serves them."""

import pytest
from django.test import Client
from django.urls import reverse

from levered_site.organizations.actors import Actor
from optimizations.admin import screenshot_upload
from optimizations.configuration import screenshots
from optimizations.models import Variant
from tests.support import pictures, staff_world
from tests.support.staff_world import World
from tests.support.variants_tab import list_cards, open_tab


def test_the_picture_of_a_variant_is_kept_by_the_browser_until_it_changes(
    client: Client, world: World
) -> None:
    png = pictures.build_png()
    Variant.objects.filter(optimization=world.optimization, number=2).update(
        screenshot=png
    )
    client.force_login(staff_world.make_member(world.organization, "viewer"))
    shown, bare = world.optimization.variants.filter(number__in=(2, 3))

    page = open_tab(client, world.optimization, sort="number")
    path = screenshot_upload.build_picture_url(shown)
    answer = client.get(path)
    again = client.get(path, headers={"If-None-Match": answer["ETag"]})

    assert f'href="{path}"' in list_cards(page)[1]
    assert page.count("<img class=") == 1
    assert "variant-levels" in list_cards(page)[1], (
        "behind a picture that may be broken"
    )
    assert (answer["Content-Type"], answer.content) == ("image/png", png)
    assert answer["Cache-Control"] == "private, no-cache"
    assert again.status_code == 304
    assert client.get(screenshot_upload.build_picture_url(bare)).status_code == 404


def test_the_gallery_loads_a_thumbnail_or_draws_the_one_that_is_missing(
    client: Client, world: World
) -> None:
    """Of a broken picture of earlier versions nothing is drawn: its levels are seen."""
    png, optimization = pictures.build_png(), world.optimization
    editor = Actor("staff", "editor")
    screenshots.store_screenshot(optimization, 2, png, editor)
    optimization.variants.filter(number=3).update(screenshot=png)
    client.force_login(staff_world.make_member(world.organization, "viewer"))
    new, old, bare = (
        screenshot_upload.build_thumbnail_url(variant)
        for variant in optimization.variants.filter(number__in=(2, 3, 4))
    )

    page = open_tab(client, optimization, sort="number")
    answer = client.get(new)
    again = client.get(new, headers={"If-None-Match": answer["ETag"]})

    card = list_cards(page)[1]
    assert f'src="{new}"' in card
    assert 'loading="lazy" decoding="async" width="320" height="180"' in card
    assert answer["Content-Type"] == "image/webp"
    assert answer.content[8:12] == b"WEBP"
    assert answer["Cache-Control"] == "private, no-cache"
    assert again.status_code == 304
    drawn = client.get(old)
    assert drawn.content == answer.content
    kept = client.get(old, headers={"If-None-Match": drawn["ETag"]})
    assert kept.status_code == 304
    assert client.get(bare).status_code == 404
    optimization.variants.filter(number=3).update(screenshot=pictures.build_png(900, 9))
    broken = client.get(old, headers={"If-None-Match": drawn["ETag"]})
    assert (broken["Content-Type"], broken.content) == (
        "image/svg+xml",
        screenshot_upload.CLEAR,
    )


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_editors_replace_the_screenshot_on_a_card(
    client: Client, world: World, role: str
) -> None:
    client.force_login(staff_world.make_member(world.organization, role))
    shown = world.optimization.variants.get(number=2)
    world.optimization.variants.filter(number=2).update(screenshot=pictures.build_png())

    cards = list_cards(open_tab(client, world.optimization, sort="number"))

    link = f'href="{reverse(screenshot_upload.ROUTE, args=[shown.pk])}">Replace<'
    assert (link in cards[1]) == (role == "editor")
    name = " screenshot of variant 2</span>"
    assert (f'<span class="staff-hidden">{name}' in cards[1]) == (role == "editor")
    assert ">Add screenshot<" not in cards[1]
    assert (">Add screenshot<" in cards[2]) == (role == "editor")


def test_nobody_of_another_organization_sees_the_picture(
    client: Client, world: World
) -> None:
    Variant.objects.filter(optimization=world.optimization).update(
        screenshot=pictures.build_png()
    )
    other = staff_world.make_world("Other")
    client.force_login(staff_world.make_member(other.organization, "owner"))
    variant = world.optimization.variants.get(number=2)

    for build_url in (
        screenshot_upload.build_picture_url,
        screenshot_upload.build_thumbnail_url,
    ):
        assert client.get(build_url(variant)).status_code == 404
