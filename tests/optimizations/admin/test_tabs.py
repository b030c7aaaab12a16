"""The tabs of an optimization's page: their addresses, who opens them, what they show."""

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from optimizations.admin.tabs import registry
from optimizations.models import Optimization
from optimizations.results.readings import (
    full_results,
    guardrail_report,
    history,
    progress,
    report,
)
from tests.support import admin_forms, staff_world, unhealthy_worlds
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db

MAX_QUERIES = 12
NAMES = [*(tab.name for tab in registry.TABS), registry.SETTINGS]


@pytest.fixture
def owner(client: Client, world: World) -> Client:
    client.force_login(staff_world.make_member(world.organization, "owner"))
    return client


@pytest.mark.parametrize("name", NAMES)
def test_a_viewer_opens_each_tab_at_its_own_address(
    viewer: Client, world: World, name: str
) -> None:
    path = f"/admin/optimizations/optimization/{world.optimization.pk}/{name}/"

    page = viewer.get(path).content.decode()

    assert registry.build_url(world.optimization, name) == path
    assert f'<a href="{path}" aria-current="page">' in page
    row = page.partition('class="opt-tabs"')[2].partition("</nav>")[0]
    assert row.count("aria-current") == 1
    assert "Element(" not in page, "a chart is markup, not the text of an object"
    assert all(registry.build_url(world.optimization, other) in page for other in NAMES)
    assert "Purchases ↑" in page
    assert "4 variants" in page


@pytest.mark.parametrize("name", NAMES)
def test_a_draft_without_a_metric_has_every_tab(
    viewer: Client, world: World, name: str
) -> None:
    draft = staff_world.make_optimization(
        world.organization, world.metric, "Idea", status="draft"
    )
    Optimization.objects.filter(pk=draft.pk).update(reward_metric=None)

    answer = viewer.get(registry.build_url(draft, name))

    assert answer.status_code == 200
    assert "no metric yet" in answer.content.decode()


def test_a_list_opens_the_results(viewer: Client, world: World) -> None:
    listing = viewer.get(reverse("admin:optimizations_optimization_changelist"))

    results = registry.build_url(world.optimization, "results")
    assert f'href="{results}"' in listing.content.decode()


def test_the_address_from_before_there_were_tabs_leads_to_the_results(
    viewer: Client, world: World
) -> None:
    path = f"/admin/optimizations/optimization/{world.optimization.pk}/change/"

    answer = viewer.get(path)

    assert answer.status_code == 302
    assert answer["Location"] == registry.build_url(world.optimization, "results")


@pytest.mark.parametrize(
    "name", [tab.name for tab in registry.TABS if tab.handle_post is None]
)
def test_a_tab_without_a_form_takes_no_post(
    owner: Client, world: World, name: str
) -> None:
    answer = owner.post(registry.build_url(world.optimization, name), {"name": "x"})

    assert answer.status_code == 405


def test_a_viewer_is_offered_no_action(viewer: Client, world: World) -> None:
    page = viewer.get(registry.build_url(world.optimization, "results"))

    assert "/do-" not in page.content.decode()


@pytest.mark.parametrize(("role", "is_told"), [("editor", True), ("owner", False)])
def test_whoever_may_not_do_the_next_step_is_told_who_can(
    client: Client,
    world: World,
    role: str,
    is_told: bool,
) -> None:
    Optimization.objects.filter(pk=world.optimization.pk).update(status="archived")
    client.force_login(staff_world.make_member(world.organization, role))

    answer = client.get(registry.build_url(world.optimization, "results"))

    page = answer.content.decode()
    assert "Unarchive it to have it back." in page
    assert ("An owner of the organization can do that." in page) == is_told


def test_pause_and_ship_stand_in_the_head_and_all_else_behind_the_dots(
    owner: Client, world: World
) -> None:
    answer = owner.get(registry.build_url(world.optimization, "results"))

    head = answer.context["head"]
    assert [item.title for item in head.items] == ["Share", "Report", "Pause", "Ship"]
    assert [item.title for item in head.more] == ["Train now", "Stop", "Archive"]


def test_saving_the_settings_stays_on_them(owner: Client, world: World) -> None:
    form = admin_forms.open_form(owner, world.optimization)

    answer = admin_forms.send_form(owner, world.optimization, form, name="Renamed")

    path = registry.build_url(world.optimization, registry.SETTINGS)
    assert answer.status_code == 302
    assert answer["Location"] == path
    page = owner.get(path)
    assert page.context["head"].name == "Renamed"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("role", ["viewer", "owner"])
def test_the_results_take_few_queries(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries, role: str
) -> None:
    """Two guardrails and a broken split take no more than a healthy optimization."""
    optimization, refunds = unhealthy_worlds.make_violated_guardrail()
    other = staff_world.make_metric(optimization.organization, "Bounces")
    optimization.guardrail_metrics.add(other)
    client.force_login(staff_world.make_member(optimization.organization, role))
    path = registry.build_url(optimization, "results")
    client.get(path)

    with django_assert_max_num_queries(MAX_QUERIES):
        page = client.get(path).content.decode()

    assert refunds.name in page
    assert other.name in page


def test_the_numbers_of_the_page_are_those_of_the_results(
    transactional_db: None,
) -> None:
    """What is read once is what the API reads part by part."""
    optimization, _ = unhealthy_worlds.make_violated_guardrail()

    full = full_results.load_full_results(Optimization.objects.get(pk=optimization.pk))

    alone = report.build_results(optimization)
    checks = {name: check for name, check in alone.checks.items() if name != "one_id"}
    assert replace(full.results, checks=checks) == replace(alone, checks=checks)
    assert full.guardrails == guardrail_report.build_guardrails(optimization)
    assert full.progress == progress.build_progress(optimization)
    assert full.daily == history.load_published_days(optimization)
