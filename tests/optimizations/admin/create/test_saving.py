"""What is typed is kept on the server, whichever page sends it, and never half."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from optimizations.admin.create import storage
from optimizations.models import Optimization, UnfinishedOptimization
from tests.support import staff_world
from tests.support.create_requests import CreateForm, build_factors, build_goal
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db
OUTDATED = "Another tab or window has changed this step"


@pytest.fixture
def world() -> World:
    return staff_world.make_world()


@pytest.fixture
def form(client: Client, world: World) -> CreateForm:
    client.force_login(staff_world.make_member(world.organization, "editor"))
    return CreateForm(client)


def test_opening_a_form_stores_nothing(client: Client, form: CreateForm) -> None:
    first: Any = client.get("/admin/optimizations/optimization/add/")
    second: Any = client.get("/admin/optimizations/optimization/add/")
    form.read("factors")

    assert first.headers["Location"] != second.headers["Location"]
    assert not UnfinishedOptimization.objects.exists()


def test_every_step_is_kept_without_a_session(form: CreateForm, world: World) -> None:
    """Another browser of the same user goes on where the first one died."""
    form.fill(world.organization, world.metric)
    form.send("traffic", "go:factors", {"holdout_percentage": "33"})
    browser = Client()
    browser.force_login(world.organization.staff_memberships.get().user)
    elsewhere = CreateForm(browser, form.pk)

    assert 'value="Landing page"' in elsewhere.read("goal")
    assert 'value="Bold"' in elsewhere.read("factors")
    assert 'value="33"' in elsewhere.read("traffic")
    assert "33% of users are held out" in elsewhere.read("review")
    assert Optimization.objects.count() == 1


def test_an_unfinished_form_is_offered_and_can_be_discarded(
    form: CreateForm, world: World
) -> None:
    form.send("goal", "refresh", build_goal(world.organization, name="Half done"))
    fresh = CreateForm(form.client)
    offered = fresh.read("goal")

    fresh.send("goal", f"discard:{form.pk}")

    assert "Half done" in offered
    assert form.build_path("goal") in offered
    assert "Half done" not in fresh.read("goal")
    assert not UnfinishedOptimization.objects.exists()


def test_two_tabs_of_one_form_do_not_overwrite_each_other(
    form: CreateForm, world: World
) -> None:
    goal = build_goal(world.organization, name="First tab")
    form.send("goal", "refresh", goal, writer="aaaa", revision="0")
    form.send(
        "goal", "refresh", {**goal, "name": "Typed on"}, writer="aaaa", revision="0"
    )

    late = form.send(
        "goal", "continue", {**goal, "name": "Second"}, writer="bbbb", revision="0"
    )
    page = form.client.get(late.headers["Location"]).content.decode()

    assert OUTDATED in page
    assert 'value="Typed on"' in page
    form.send("goal", "refresh", {**goal, "name": "Second"}, writer="bbbb")
    assert 'value="Second"' in form.read("goal")


def test_tabs_on_different_steps_do_not_disturb_each_other(
    form: CreateForm, world: World
) -> None:
    form.send("goal", "refresh", build_goal(world.organization), writer="aaaa")
    form.send("traffic", "refresh", {"expected_users": "77"}, writer="bbbb")
    form.send("goal", "continue", build_goal(world.organization), writer="aaaa")

    assert 'value="77"' in form.read("traffic")
    assert 'value="Landing page"' in form.read("goal")


def test_a_save_that_was_overtaken_changes_nothing(
    form: CreateForm, world: World
) -> None:
    """What one page sends in the background may arrive in another order."""
    goal = build_goal(world.organization)
    for name, sent in (("Newest", 2000), ("Overtaken", 1000)):
        form.send("goal", "refresh", {**goal, "name": name}, writer="aaaa", sent=sent)
    assert 'value="Newest"' in form.read("goal")

    form.send("goal", "continue", {**goal, "name": "Sent last"}, writer="aaaa")
    form.send("goal", "refresh", {**goal, "name": "Old"}, writer="aaaa", sent=3000)

    assert 'value="Sent last"' in form.read("goal")


def test_htmx_is_told_to_reload_an_outdated_page(
    form: CreateForm, world: World
) -> None:
    form.send("goal", "refresh", build_goal(world.organization), writer="aaaa")
    body = {**build_goal(world.organization), "do": "refresh", "writer": "bbbb"}

    answer = form.client.post(
        form.build_path("goal"),
        {**body, "revision": "0"},
        headers={"HX-Request": "true"},
    )

    assert answer.headers["HX-Redirect"].endswith("?outdated=1")


def test_old_forms_go_and_the_newest_stay(form: CreateForm, world: World) -> None:
    user = world.organization.staff_memberships.get().user
    for number in range(storage.MOST_FORMS + 2):
        CreateForm(form.client).send("goal", "refresh", {"name": f"Form {number}"})
    kept = {name for _, name, _ in storage.list_unfinished(user.pk)}
    UnfinishedOptimization.objects.update(updated_at=timezone.now() - storage.KEPT * 2)
    form.send("goal", "refresh", {"name": "Newest"})

    assert kept == {f"Form {number}" for number in range(2, storage.MOST_FORMS + 2)}
    assert UnfinishedOptimization.objects.count() == 1


def test_another_organization_has_other_metrics(form: CreateForm, world: World) -> None:
    other = staff_world.make_world("Beta")
    staff_world.make_member(other.organization, "owner")
    goal = build_goal(world.organization, world.metric)
    form.send("goal", "refresh", {**goal, "guardrails": [str(world.metric.pk)]})

    form.send("goal", "refresh", {**goal, "organization": other.organization.pk})

    page = form.read("goal")
    assert str(other.metric.pk) in page
    assert str(world.metric.pk) not in page
    assert "checked" not in page.partition('id="guardrails"')[2]


def test_rows_come_and_go_without_scripts(form: CreateForm) -> None:
    fields = build_factors()
    added: Any = form.send("factors", "add-level:1", fields)
    assert added.headers["Location"].partition("?")[2].startswith("focus=level-1-3")
    assert 'name="level-1-3"' in form.read("factors")
    form.send("factors", "add-factor:design", fields)
    assert 'name="level-3-2"' in form.read("factors")
    form.send("factors", "add-factor:context", fields)
    assert 'name="context" value="3"' in form.read("factors")
    form.send("factors", "remove-factor:2", fields)
    page = form.read("factors")
    assert 'name="name-1"' in page
    assert 'name="name-2"' not in page
    form.send("factors", "remove-level:1-1", fields)
    page = form.read("factors")
    assert 'value="Bold"' in page
    assert 'value="Plain"' not in page


def test_exclusions_survive_a_new_name_and_go_with_their_level(
    form: CreateForm,
) -> None:
    fields = build_factors()
    form.send(
        "factors", "add-exclusion", {**fields, "combine-1": "2", "combine-2": "2"}
    )
    before = form.read("factors")
    excluded = {**fields, "exclusion": "1.2_2.2"}
    form.send("factors", "refresh", {**excluded, "level-1-2": "Bolder"})
    renamed = form.read("factors")
    form.send("factors", "remove-level:1-2", excluded)
    removed = form.read("factors")

    assert '<b class="create-count">2 \N{MULTIPLICATION SIGN} 2 = 4</b>' in before
    for page, name in ((before, "Bold"), (renamed, "Bolder")):
        cell = page.partition('value="1.2_2.2"')[2].partition(">")[0]
        assert "checked" in cell
        assert f"Exclude variant 4: {name} · Green" in cell
        assert "3 of them served" in page
    assert "1.2_2.2" not in removed


def test_variants_that_a_wider_exclusion_covers_cannot_be_included(
    form: CreateForm,
) -> None:
    fields = build_factors(("a", ["1", "2"]), ("b", ["1", "2"]), ("c", ["1", "2"]))
    form.send("factors", "refresh", {**fields, "exclusion": "1.2_2.2"})
    page = form.read("factors")
    form.send("factors", "remove-exclusion:1.2_2.2", {**fields, "exclusion": "1.2_2.2"})

    cell = page.partition('value="1.2_2.2_3.1"')[2].partition(">")[0]
    assert "disabled" in cell
    assert "excluded by a: 2 with b: 2" in cell
    assert "6 of them served" in page
    assert "of them served" not in form.read("factors")
