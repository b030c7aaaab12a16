"""A manager's tasks in a real browser, on one optimization with 50 variants.

Forms that create have modules of their own: test_metric_browser, test_create_browser.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, Page, ViewportSize, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from models_app.models import TrainingRun
from optimizations.admin.tabs import registry
from optimizations.models import Optimization, ShareLink
from optimizations.training.run import run_training
from tests.support import (
    chromium,
    fifty_variants,
    staff_world,
    unhealthy_worlds,
)
from tests.support.page_widths import LIST_CUT
from tests.support.staff_browser import log_in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not chromium.PATH.exists(), reason="needs Debian's chromium"),
]
WINNER = " · ".join(fifty_variants.WINNER)
WORKING = 30_000  # milliseconds that an action may take on a busy machine
BASELINE = "Gray · list · Plain"
VISITOR = "visitor-of-today"
DESKTOP = ViewportSize(width=1400, height=900)
PHONE = ViewportSize(width=360, height=740)


@dataclass(frozen=True, slots=True)
class Manager:
    """Somebody at a page, with the optimization that the tasks are about."""

    page: Page
    optimization: Optimization
    complaints: list[str]

    def open_tab(self, name: str) -> None:
        """Open a tab of the optimization by its address."""
        self.page.goto(registry.build_url(self.optimization, name))

    def tab_to(self, target: Locator) -> None:
        """Press Tab until an element has the focus, from wherever it is."""
        for _ in range(90):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not reach {target}")

    def press(self, name: str, within: Locator | None = None) -> None:
        """Go to a link or a button by Tab, and press Enter."""
        place = within or self.page.locator("#content-main")
        named = place.get_by_role("link", name=name, exact=True)
        target = named.or_(place.get_by_role("button", name=name, exact=True)).first
        self.tab_to(target)
        self.page.keyboard.press("Enter")

    def confirm(self, name: str) -> None:
        """Confirm in the dialog that has the focus, by keyboard."""
        dialog = self.page.get_by_role("dialog", name="“Landing page”")
        expect(dialog.get_by_role("button", name=name, exact=True)).to_be_visible()
        self.press(name, within=dialog)
        expect(dialog).to_be_hidden(timeout=WORKING)


def find_winner(manager: Manager) -> None:
    """The first screen names the winner of 50, on a desk and on a phone."""
    page = manager.page
    page.set_viewport_size(DESKTOP)
    page.get_by_role("link", name="Landing page").first.click()
    verdict = page.locator(".opt-verdict")
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        expect(verdict.get_by_role("heading", name="It works")).to_be_in_viewport()
        expect(verdict.get_by_text(f"“{WINNER}”")).to_be_in_viewport()
        assert page.evaluate(LIST_CUT) == []
    page.set_viewport_size(DESKTOP)


def compare_variants(manager: Manager) -> None:
    """On a phone the leader is in the first screen; by keyboard the filters unfold."""
    page = manager.page
    page.set_viewport_size(PHONE)
    manager.open_tab("variants")
    leader = page.locator(".variant-leads")
    expect(leader.get_by_role("heading")).to_contain_text(WINNER)
    expect(leader.get_by_role("heading")).to_be_in_viewport(ratio=1)
    expect(leader.locator("dd", has_text="%").first).to_be_in_viewport(ratio=1)
    fold = page.locator(".staff-fold > summary")
    manager.tab_to(fold)
    page.keyboard.press("Enter")
    page.get_by_label("headline").select_option("Calm")
    expect(page.locator("#variant-list")).to_contain_text("10 of 50 variants")
    expect(fold).to_contain_text("1 active")
    assert page.evaluate(LIST_CUT) == []
    page.set_viewport_size(DESKTOP)
    manager.open_tab("variants")
    expect(page.get_by_label("headline")).to_be_visible()
    expect(fold).to_be_hidden()


def choose_guardrail(manager: Manager) -> None:
    """On a phone, by keyboard: a guardrail is searched among many metrics, and chosen."""
    page, optimization = manager.page, manager.optimization
    for name in ("Refunds", *(f"Clicks {number}" for number in range(8))):
        staff_world.make_metric(optimization.organization, name)
    page.set_viewport_size(PHONE)
    manager.open_tab("settings")
    choices = page.get_by_role("group", name="Guardrail metrics")
    manager.tab_to(choices.get_by_role("searchbox"))
    page.keyboard.type("refund")
    expect(choices.get_by_role("checkbox")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(choices.get_by_label("Refunds")).to_be_checked()
    expect(choices.get_by_role("status")).to_have_text("1 of 10 chosen")
    assert page.evaluate(LIST_CUT) == []
    page.set_viewport_size(DESKTOP)


def explain_visitor(manager: Manager) -> None:
    """By keyboard: the id is typed, and the draw behind the variant is opened."""
    page = manager.page
    manager.open_tab("results")
    manager.press("Decisions")
    manager.tab_to(page.get_by_label("Anonymous id"))
    page.keyboard.type(VISITOR)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Visitor {VISITOR}")).to_be_visible()
    expect(page.locator(".hist-title").first).to_contain_text(BASELINE)
    manager.tab_to(page.locator("summary", has_text="What it was drawn from"))
    page.keyboard.press("Enter")
    expect(page.locator(".seek-drawn")).to_contain_text(BASELINE)
    page.set_viewport_size(PHONE)
    assert page.evaluate(LIST_CUT) == []
    page.set_viewport_size(DESKTOP)


def ship_and_take_back(manager: Manager) -> None:
    """By keyboard, each after a confirmation; the verdict says which it is."""
    page = manager.page
    manager.open_tab("results")
    manager.press("Ship")
    expect(page.get_by_role("dialog")).to_contain_text("“Go live” takes it back")
    manager.confirm("Ship")
    expect(page.get_by_role("heading", name="Shipped: nothing is")).to_be_visible()
    expect(page.locator(".opt-next")).to_contain_text("To take it back, go live again")
    manager.press("Go live")
    manager.confirm("Go live")
    expect(page.get_by_role("heading", name="It works")).to_be_visible()


def share_and_revoke(manager: Manager) -> None:
    """Who has the link sees the results without a log-in, until it is revoked."""
    page = manager.page
    manager.open_tab("results")
    page.get_by_role("link", name="Share").click()
    page.get_by_label("For whom").fill("Board")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("button", name="Copy")).to_be_focused()
    address = page.get_by_label("The link", exact=True).input_value()
    browser = page.context.browser
    assert browser is not None
    private = browser.new_context(viewport=PHONE)
    guest = private.new_page()
    guest.on("pageerror", lambda error: manager.complaints.append(str(error)))
    guest.goto(address)
    expect(guest.get_by_text(f"“{WINNER}”")).to_be_in_viewport()
    expect(guest.get_by_role("link")).to_have_count(0)
    assert guest.evaluate(LIST_CUT) == []

    page.locator("summary", has_text="Revoke…").click()
    page.get_by_role("button", name="Revoke the link for Board").click()
    expect(page.get_by_text("Revoked: Board. It opens nothing")).to_be_visible()
    guest.reload()
    expect(guest.get_by_role("heading", name="This link does not")).to_be_visible()
    assert ShareLink.objects.get().revoked_at is not None
    private.close()


def download_report(manager: Manager, folder: Path) -> None:
    """By keyboard: one file, named by the optimization and the day, says the winner."""
    manager.open_tab("results")
    with manager.page.expect_download() as waiting:
        manager.press("Report")
    file = folder / waiting.value.suggested_filename
    waiting.value.save_as(file)
    assert file.match("landing-page-????-??-??.html")
    assert f"“{WINNER}”" in file.read_text()


def watch_split_break(manager: Manager) -> None:
    """A training is followed to its end; the new figures turn the verdict."""
    page, model = manager.page, manager.optimization.model
    unhealthy_worlds.lose_half_of_holdout(manager.optimization)
    manager.open_tab("results")
    manager.tab_to(page.locator("summary[aria-label='More actions']"))
    page.keyboard.press("Enter")
    manager.press("Train now")
    manager.confirm("Train now")
    bar = page.locator(".opt-training")
    expect(bar.get_by_role("progressbar")).to_be_visible()
    run_training(TrainingRun.objects.filter(model=model).latest("created_at").pk)
    expect(bar).to_contain_text("was published", timeout=WORKING)
    manager.press("Show the new figures")

    verdict = page.get_by_role("region", name="Do not read these numbers yet")
    expect(verdict).to_contain_text("users of one arm are lost")
    expect(verdict.get_by_role("link")).to_have_count(0)


def test_a_manager_does_each_task_on_the_pages_of_an_optimization(
    page: Page,
    complaints: list[str],
    live_server: LiveServer,
    settings: Settings,
    tmp_path: Path,
) -> None:
    settings.PUBLIC_URL = live_server.url
    optimization = fifty_variants.make_fifty_variants(staff_world.make_world())
    staff_world.record_decision(optimization, VISITOR)
    log_in(page)
    manager = Manager(page, optimization, complaints)

    find_winner(manager)
    compare_variants(manager)
    choose_guardrail(manager)
    explain_visitor(manager)
    ship_and_take_back(manager)
    share_and_revoke(manager)
    download_report(manager, tmp_path)
    watch_split_break(manager)

    assert complaints == []


def test_an_editor_of_one_organization_finds_no_trace_of_another(
    page: Page, complaints: list[str]
) -> None:
    """Neither by looking, nor by searching, nor by an address from a colleague."""
    own, other = staff_world.make_world("Acme"), staff_world.make_world("Zebra")
    Optimization.objects.filter(pk=other.optimization.pk).update(name="Zebra page")
    editor = staff_world.make_member(own.organization, "editor", "ann")
    editor.set_password(staff_world.PASSWORD)
    editor.save()
    page.goto(reverse("admin:index"))
    page.get_by_label("Username").fill("ann")
    page.get_by_label("Password").fill(staff_world.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Checkout").first).to_be_visible()

    page.keyboard.press("Control+k")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.type("zebra")
    expect(page.get_by_text("Nothing is called so.")).to_be_visible()
    page.keyboard.press("Escape")  # empties the box, and then closes the dialog
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Search")).to_be_hidden()
    for name in ("Optimizations", "Metrics", "Audit log"):
        menu = page.get_by_role("navigation", name="Menu")
        menu.get_by_role("link", name=name, exact=True).click()
        expect(page).to_have_title(re.compile("Levered"))
        assert "zebra" not in page.content().lower(), name
    assert complaints == []
    answer = page.goto(registry.build_url(other.optimization, "results"))
    assert answer is not None
    assert answer.status == 404
    assert "zebra" not in page.content().lower()
    expect(page.get_by_role("navigation", name="Menu")).to_be_visible()
