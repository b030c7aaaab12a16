"""Who may create where: editors and owners, in their organizations, with what is theirs."""

from typing import Any

import pytest
from django.test import Client

from levered_site.organizations.models import StaffMembership
from optimizations.models import Optimization, UnfinishedOptimization
from tests.support import staff_world
from tests.support.create_requests import CreateForm, build_factors, build_goal
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db
LIST = "/admin/optimizations/optimization/"


@pytest.fixture
def world() -> World:
    return staff_world.make_world()


@pytest.mark.parametrize("role", ["viewer", "editor", "owner"])
def test_who_may_add_and_who_sees_the_button(
    client: Client, world: World, role: str
) -> None:
    client.force_login(staff_world.make_member(world.organization, role))
    form = CreateForm(client)
    may_create = role != "viewer"

    button = "Add optimization" in client.get(LIST).content.decode()
    opened = client.get(f"{LIST}add/")
    shown = client.get(form.build_path("goal"))
    form.fill(world.organization, world.metric)
    form.send("review", "create")

    assert button == may_create
    assert opened.status_code == (302 if may_create else 403)
    assert shown.status_code == (200 if may_create else 403)
    created = Optimization.objects.filter(name="Landing page")
    assert created.exists() == may_create
    assert UnfinishedOptimization.objects.exists() == may_create


def test_a_viewer_there_and_editor_here_creates_here_only(
    client: Client, world: World
) -> None:
    there = staff_world.make_world("Zebra")
    client.force_login(staff_world.make_member(world.organization, "editor"))
    staff_world.make_member(there.organization, "viewer")
    form = CreateForm(client)
    form.send("goal", "continue", build_goal(there.organization, there.metric))
    page = form.read("goal")
    form.send("factors", "continue", build_factors())
    form.send("traffic", "continue", {})

    review = form.read("review")
    form.send("review", "create")

    for text in (page, review):
        assert "Zebra" not in text
        assert str(there.metric.pk) not in text
    assert "Choose an organization." in review
    assert Optimization.objects.count() == 2


def test_what_belongs_to_another_organization_cannot_be_named(
    client: Client, world: World
) -> None:
    """A foreign metric counts as none; a foreign guardrail or name is told nothing of."""
    there = staff_world.make_world("Zebra")
    client.force_login(staff_world.make_member(world.organization, "editor"))
    for metric, guardrail in (
        (str(there.metric.pk), str(world.metric.pk)),
        (str(world.metric.pk), str(there.metric.pk)),
        (str(world.metric.pk), "Purchases"),
    ):
        form = CreateForm(client)
        goal = build_goal(world.organization, world.metric)
        form.fill(world.organization, world.metric)
        form.send(
            "goal", "go:review", {**goal, "metric": metric, "guardrails": [guardrail]}
        )
        review = form.read("review")
        form.send("review", "create")

        assert "Zebra" not in review
        assert "to fix" in review
    assert Optimization.objects.count() == 2


def test_a_role_that_is_taken_away_ends_the_form(client: Client, world: World) -> None:
    other = staff_world.make_world("Beta")
    user = staff_world.make_member(world.organization, "editor")
    staff_world.make_member(other.organization, "editor")
    client.force_login(user)
    form = CreateForm(client)
    form.fill(world.organization, world.metric)
    StaffMembership.objects.filter(user=user, organization=world.organization).update(
        role="viewer"
    )

    form.send("review", "create")
    review = form.read("review")

    assert "Choose an organization." in review
    assert "Purchases" not in review
    assert Optimization.objects.count() == 2


def test_a_form_belongs_to_its_user(client: Client, world: World) -> None:
    """Colleagues of the same organization have forms of their own."""
    client.force_login(staff_world.make_member(world.organization, "editor"))
    form = CreateForm(client)
    form.send("goal", "refresh", build_goal(world.organization, name="Mine"))
    colleague = Client()
    colleague.force_login(staff_world.make_member(world.organization, "owner", "other"))
    theirs = CreateForm(colleague, form.pk)

    for step in ("goal", "factors", "traffic", "review"):
        assert colleague.get(theirs.build_path(step)).status_code == 404
        answer: Any = colleague.post(theirs.build_path(step), {"do": "create"})
        assert answer.status_code == 404
    fresh = CreateForm(colleague)
    fresh.send("goal", f"discard:{form.pk}")
    assert "Mine" not in fresh.read("goal")
    assert 'value="Mine"' in form.read("goal")


@pytest.mark.parametrize("path", ["nothing/", "GOAL/"])
def test_other_paths_below_add_are_no_pages(
    client: Client, world: World, path: str
) -> None:
    client.force_login(staff_world.make_superuser())
    form = CreateForm(client)

    answer = client.get(form.build_path("goal").replace("goal/", path))

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"do": "discard:x"},
        {"do": "go:nowhere", "metric": "\0x", "guardrails": "no id"},
        {"do": "add-level:9", "design": ["1", "x", "-1"], "level-1-x": "a"},
        {"do": "put-first:1-9", "design": "1", "exclusion": ["", "_", "1.1", "1.9"]},
        {"do": "remove-factor:", "dtype-1": "list", "design": "1", "revision": "²"},
        {"do": "refresh", "revision": "9" * 30, "sent": "-1", "writer": "w" * 99},
        {"do": "continue", "holdout_percentage": "1e999", "expected_users": "NaN"},
    ],
)
@pytest.mark.parametrize("step", ["goal", "factors", "traffic", "review"])
def test_what_no_page_sends_is_answered(
    client: Client, world: World, step: str, fields: dict[str, Any]
) -> None:
    client.force_login(staff_world.make_superuser())
    form = CreateForm(client)
    first = client.post(form.build_path(step), fields)
    second = client.post(form.build_path(step), fields, follow=True)

    assert first.status_code in {302, 404}
    assert second.status_code in {200, 404}
