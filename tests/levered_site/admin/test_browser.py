"""The admin in a real browser: log in, train, pause, without CSP violations."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from levered_site.admin.objections import TICK_LABEL
from models_app.models import TrainingRun
from optimizations.models import Optimization
from tests.support import chromium, staff_world, unhealthy_worlds
from tests.support.staff_browser import log_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]


def test_a_person_logs_in_trains_and_pauses(page: Page, complaints: list[str]) -> None:
    """The page shows results, and actions ask for confirmation."""
    world = staff_world.make_world()
    staff_world.send_traffic(world.optimization, 400)
    assert staff_world.train_model(world.optimization).status == "succeeded"
    log_in(page)

    page.locator("a[href='/admin/optimizations/optimization/']").first.click()
    page.get_by_role("link", name="Checkout").click()
    expect(page.get_by_role("heading", name="Lift over time")).to_be_visible()
    page.locator("summary[aria-label='More actions']").click()
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
    expect(page.get_by_text("Do not read these numbers yet")).to_be_visible()

    page.get_by_role("link", name="Ship").click()
    reasons = page.locator(".staff-objections")
    expect(reasons).to_contain_text("users of one arm are lost")
    expect(page.get_by_label(TICK_LABEL)).to_be_focused()
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
