"""The tab Settings: each field says what follows before it is saved."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.admin import setting_texts
from optimizations.admin.tabs import registry
from optimizations.configuration import lifecycle
from optimizations.models import Optimization
from tests.support import admin_forms, staff_world
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(client: Client, world: World) -> Client:
    client.force_login(staff_world.make_member(world.organization, "owner"))
    return client


def open_settings(client: Client, optimization: Optimization) -> str:
    answer = client.get(registry.build_url(optimization, registry.SETTINGS))
    assert answer.status_code == 200
    return answer.content.decode()


def list_field_names() -> set[str]:
    """Return the settings that the page shows."""
    page: Any = admin.site._registry[Optimization]
    names: set[str] = set()
    for _, options in page.fieldsets:
        for line in options["fields"]:
            names.update((line,) if isinstance(line, str) else line)
    return names - {"organization", "dates"}


@pytest.mark.parametrize("status", ["draft", "live", "shipped"])
def test_each_setting_says_what_follows(
    owner: Client, world: World, status: str
) -> None:
    optimization = staff_world.make_optimization(
        world.organization, world.metric, "Other", status="draft"
    )
    if status != "draft":
        lifecycle.resume_optimization(optimization, SYSTEM_ACTOR)
    if status == "shipped":
        lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)
    optimization.refresh_from_db()

    page = open_settings(owner, optimization)

    assert list_field_names() == setting_texts.TEXTS.keys()
    texts = setting_texts.describe_settings(optimization, setting_texts.TEXTS)
    missing = [name for name, text in texts.items() if text not in page]
    assert missing == []


def test_a_live_optimization_is_told_what_starts_a_new_period(
    owner: Client, world: World
) -> None:
    page = open_settings(owner, world.optimization)

    assert page.count("<b>Starts a new measuring period.</b>") == 2
    assert "“Purchases” is used by 1 optimization:" in page


def test_a_draft_is_told_that_nothing_changes_yet(owner: Client, world: World) -> None:
    draft = staff_world.make_optimization(
        world.organization, world.metric, "Idea", status="draft"
    )

    page = open_settings(owner, draft)

    assert "Starts a new measuring period." not in page
    assert "Changes nothing yet: it is a draft." in page
    assert "Fixed once the optimization has been live." in page
    assert "“Purchases” is used by 2 optimizations:" in page


def test_what_is_over_offers_only_what_may_still_change(
    owner: Client, world: World
) -> None:
    lifecycle.stop_optimization(world.optimization, SYSTEM_ACTOR)

    form = admin_forms.open_form(owner, world.optimization)
    page = open_settings(owner, world.optimization)

    assert {"name", "excluded_users"} <= form.keys()
    assert "holdout_percentage" not in form
    assert "Fixed: the optimization is completed." in page


def test_the_public_policy_is_a_setting(owner: Client, world: World) -> None:
    form = admin_forms.open_form(owner, world.optimization)

    admin_forms.send_form(owner, world.optimization, form, public_policy="on")

    world.optimization.refresh_from_db()
    assert world.optimization.public_policy is True
