"""Every kind of admin page at 1400, 768 and 360 pixels, light and dark, by axe.

Each page is quiet (no console error, no failed request), never scrolls sideways, and asks
for no Chart.js. Pages are listed in tests/support/walked_pages.py.
"""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django import Settings

from tests.support import chromium, staff_world, walked_pages
from tests.support.admin_walk import SCHEMES, AdminWalk, admin_walk
from tests.support.staff_browser import log_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]
__all__ = ["admin_walk"]


@pytest.mark.parametrize("group", walked_pages.GROUPS)
def test_pages_are_accessible_and_quiet(
    page: Page, admin_walk: AdminWalk, group: str
) -> None:
    tenant = walked_pages.make_walked_tenant()
    log_in(page)

    for address, status in walked_pages.GROUPS[group](tenant):
        admin_walk.visit(address, status)

    admin_walk.assert_clean()


def test_the_way_in_is_accessible_and_quiet(
    page: Page, admin_walk: AdminWalk, settings: Settings
) -> None:
    """The login, a wrong password, too many of them, and what somebody without role sees."""
    settings.ADMIN_LOGINS = "2/d"
    staff_world.make_superuser(password=staff_world.PASSWORD)
    admin_walk.visit(reverse("admin:login"))
    for scheme in SCHEMES:
        admin_walk.prefer(scheme)
        page.get_by_label("Username").fill("root")
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("Please enter the correct username")).to_be_visible()
        admin_walk.inspect("wrong password")
    admin_walk.expected_status = 429
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("There were too many attempts")).to_be_visible()
    admin_walk.inspect("too many")

    admin_walk.assert_clean()


def test_what_opens_over_a_page_is_accessible_and_quiet(
    page: Page, admin_walk: AdminWalk
) -> None:
    """A dialog that asks to confirm, the search with results, and the filters."""
    tenant = walked_pages.make_walked_tenant()
    log_in(page)
    key_path = reverse("admin:organizations_apikey_change", args=[tenant.world.key.pk])
    list_path = reverse("admin:optimizations_optimization_changelist")

    page.set_viewport_size({"width": 1400, "height": 900})
    admin_walk.address = key_path
    page.goto(key_path)
    page.get_by_role("link", name="Revoke").click()
    expect(page.get_by_role("dialog", name="Revoke the key")).to_be_visible()
    admin_walk.inspect("dialog")
    page.set_viewport_size({"width": 1400, "height": 900})
    admin_walk.prefer("dark")
    admin_walk.address = list_path
    page.goto(list_path)
    page.locator("#open-filters").click()
    expect(page.locator("#filter-sheet")).to_be_visible()
    admin_walk.inspect("filters")
    page.keyboard.press("Escape")
    expect(page.locator("#open-filters")).to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.type("tiger")
    expect(page.locator("#command-results-list")).to_contain_text("tiger page")
    admin_walk.inspect("search")
    admin_walk.visited.append(list_path)

    admin_walk.assert_clean()
