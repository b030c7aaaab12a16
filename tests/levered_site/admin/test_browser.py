"""The admin in a real browser: log in, train, pause, without CSP violations."""

import os
from collections.abc import Iterator

import pytest
from django.contrib.admin import site
from django.db import connections
from django.urls import reverse
from playwright.sync_api import Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from levered_site.admin.objections import TICK_LABEL
from models_app.models import TrainingRun
from optimizations.models import Optimization
from tests.support import chromium, staff_world, unhealthy_worlds

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]


@pytest.fixture
def complaints() -> list[str]:
    """Return a list of console errors and of requests to other hosts."""
    return []


@pytest.fixture
def page(live_server: LiveServer, complaints: list[str]) -> Iterator[Page]:
    """Open a page that records console errors and foreign requests."""
    with sync_playwright() as playwright:
        # Playwright runs an event loop in this thread, in which Django would refuse
        # database access. The tests use the database between the browser's steps.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        browser = playwright.chromium.launch(
            executable_path=str(chromium.PATH), args=chromium.ARGUMENTS
        )
        page = browser.new_page(
            base_url=live_server.url, viewport={"width": 1440, "height": 1000}
        )
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type in {"error", "warning"}
                else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((live_server.url, "data:"))
                else complaints.append(request.url)
            ),
        )
        yield page
        browser.close()
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    connections.close_all()


def log_in(page: Page) -> None:
    """Log in with the form."""
    staff_world.make_superuser(password=staff_world.PASSWORD)
    page.goto(reverse("admin:index"))
    page.get_by_label("Username").fill("root")
    page.get_by_label("Password").fill(staff_world.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_title("Overview | Levered")


def test_a_person_logs_in_trains_and_pauses(page: Page, complaints: list[str]) -> None:
    """The page shows results, and actions ask for confirmation."""
    world = staff_world.make_world()
    staff_world.send_traffic(world.optimization, 400)
    assert staff_world.train_model(world.optimization).status == "succeeded"
    log_in(page)

    page.locator("a[href='/admin/optimizations/optimization/']").first.click()
    page.get_by_role("link", name="Checkout").click()
    expect(page.get_by_text("Estimated improvement")).to_be_visible()
    page.get_by_role("link", name="Train now").click()
    page.get_by_role("button", name="Train now").click()
    expect(page.get_by_text("Training requested: Checkout")).to_be_visible()
    page.get_by_role("link", name="Pause").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused: Checkout")).to_be_visible()

    assert TrainingRun.objects.filter(requested_by="staff:root").count() == 1
    assert Optimization.objects.get().status == "paused"
    assert complaints == []


def test_a_person_must_tick_to_ship_on_a_broken_split(
    page: Page, complaints: list[str]
) -> None:
    """The dialog lists the reasons and stays open until the box is ticked."""
    optimization = unhealthy_worlds.make_broken_split()
    log_in(page)
    change = "admin:optimizations_optimization_change"
    page.goto(reverse(change, args=[optimization.pk]))
    expect(page.get_by_text("Health: broken")).to_be_visible()

    page.get_by_role("link", name="Ship").click()
    reasons = page.locator(".staff-objections")
    expect(reasons).to_contain_text("users of one arm are lost")
    page.get_by_role("button", name="Ship").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    optimization.refresh_from_db()
    assert optimization.status == "live"
    page.get_by_label(TICK_LABEL).check()
    page.get_by_role("button", name="Ship").click()
    expect(page.get_by_text(f"Shipped: {optimization}")).to_be_visible()

    optimization.refresh_from_db()
    assert optimization.status == "shipped"
    assert complaints == []


def test_no_page_violates_the_policy(page: Page, complaints: list[str]) -> None:
    """Open every list, and one object of each."""
    world = staff_world.make_world()
    staff_world.record_decision(world.optimization, "visitor-1")
    log_in(page)

    page.goto(reverse("admin:password_change"))
    for model in site._registry:
        options = model._meta
        name = f"admin:{options.app_label}_{options.model_name}_changelist"
        page.goto(reverse(name))
        first = page.locator("#result_list tbody a[href*='/change/']").first
        if first.count():
            first.click()
            expect(page.locator("#content-main")).to_be_visible()

    assert complaints == []
