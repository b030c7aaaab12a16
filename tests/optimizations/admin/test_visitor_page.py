"""The tab Decisions for one visitor: each decision and each reward, with its reason."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update
from optimizations.cube import person_erasure
from optimizations.models import Assignment, Decision, Optimization
from tests.support import staff_world
from tests.support.decisions_tab import open_tab, record, send_reward
from tests.support.staff_world import World
from warehouse import partitions
from warehouse.models import Connection, ManagedExposure

pytestmark = pytest.mark.django_db
SPACE = "\xa0"


def test_a_decision_is_explained_in_plain_words(
    viewer: Client, optimization: Optimization
) -> None:
    record(optimization, "visitor-1")

    page = open_tab(viewer, optimization, visitor=" visitor-1 ")

    assert "Got 1 Plain · Gray" in page
    assert "Nothing had been learned yet: policy version 0" in page
    assert "not a level" not in page
    assert "<dt>Context</dt><dd>device mobile</dd>" in page
    assert "<dt>Propensity</dt><dd>25.0 %</dd>" in page
    assert "(drawn)" in page


def test_a_held_out_visitor_is_told_so_and_nothing_of_a_draw(
    viewer: Client, optimization: Optimization
) -> None:
    record(optimization, "visitor-1", in_holdout=True, propensity=1.0)

    page = open_tab(viewer, optimization, visitor="visitor-1")

    assert "Held out: a hash of the visitor&#x27;s id falls into the holdout" in page
    assert "The draw depends" not in page
    assert "What it was drawn from" not in page


def test_a_redraw_names_the_variant_that_was_barred(
    viewer: Client, optimization: Optimization
) -> None:
    first = record(
        optimization,
        "visitor-1",
        variant_number=4,
        decided_at=timezone.now() - timedelta(hours=3),
    )
    create_update.set_variant_enabled(optimization, 4, SYSTEM_ACTOR, enabled=False)
    values = Decision.objects.filter(pk=first.pk).values().get()
    at = timezone.now() - timedelta(hours=1)
    again = {"id": first.pk + 99, "decided_at": at, "variant_number": 2, "redraw": 1}
    Decision.objects.create(
        **values | again | {"policy_version": 1, "propensity": 1 / 3}
    )

    page = open_tab(viewer, optimization, visitor="visitor-1")

    assert "Drawn again: 4 Bold · Green, which the visitor had" in page
    assert "Policy version 1 gave this variant 33.3 % of the users" in page
    assert "drawn again once" in page
    assert page.index("Got 4 Bold · Green") < page.index("Got 2 Plain · Green")


def test_a_value_that_is_no_level_is_said_to_count_as_other(
    viewer: Client, optimization: Optimization
) -> None:
    create_update.set_variant_enabled(optimization, 4, SYSTEM_ACTOR, enabled=False)
    record(optimization, "visitor-1", policy_version=1, context='{"device":"tv"}')

    page = open_tab(viewer, optimization, visitor="visitor-1")

    assert "of the users for device tv." in page
    assert "tv is not a level of device: it counts as other." in page


def test_a_narrowed_request_says_what_it_made_of_the_probability(
    viewer: Client, optimization: Optimization
) -> None:
    record(optimization, "visitor-1", propensity=0.5)

    page = open_tab(viewer, optimization, visitor="visitor-1")

    assert (
        "The request allowed only some of the variants: among these it had 50.0" in page
    )


def test_a_version_past_its_retention_is_said_and_all_else_is_shown(
    viewer: Client, optimization: Optimization
) -> None:
    record(optimization, "visitor-1", policy_version=7)

    page = open_tab(viewer, optimization, visitor="visitor-1")

    assert "Policy version 7, which decided, is past its retention." in page
    assert "<dt>Policy version</dt><dd>7</dd>" in page


def test_rewards_say_whether_they_are_in_time_and_why_not(
    viewer: Client, optimization: Optimization
) -> None:
    at = timezone.now() - timedelta(hours=30)
    record(optimization, "visitor-1", decided_at=at)
    send_reward(optimization, "visitor-1", at - timedelta(minutes=1))
    send_reward(optimization, "visitor-1", at + timedelta(minutes=5))
    send_reward(optimization, "visitor-1", at + timedelta(minutes=6), "click")
    send_reward(optimization, "visitor-1", at + timedelta(hours=25))

    page = open_tab(viewer, optimization, visitor="visitor-1")

    assert "1 of 4" in page
    assert "Counts: in time, 5 min after the exposure." in page
    assert "it came before the first exposure that counts" in page
    assert "the reward metric does not read rewards of this name" in page
    assert "it came after the horizon, 24 hours from the first exposure on" in page
    assert "the visitor&#x27;s outcome is complete" in page


@pytest.mark.django_db(transaction=True)
def test_the_metric_itself_counts_a_visitor_when_asked(
    viewer: Client, optimization: Optimization
) -> None:
    """One reward is of the metric's name, the other is not."""
    at = timezone.now() - timedelta(hours=2)
    for visitor, name in (("buyer", "purchase"), ("reader", "click")):
        record(optimization, visitor, decided_at=at)
        send_reward(optimization, visitor, at + timedelta(minutes=1), name)

    buyer = open_tab(viewer, optimization, visitor="buyer", count="yes")
    reader = open_tab(viewer, optimization, visitor="reader", count="yes")
    unasked = open_tab(viewer, optimization, visitor="buyer")

    assert ">converted</b>" in buyer
    assert ">no conversion</b>" in reader
    assert "By the metric" not in unasked
    assert "Ask the metric" in unasked


def test_a_visitor_who_was_only_sent_in_is_shown_by_exposures(
    viewer: Client, optimization: Optimization
) -> None:
    at = timezone.now() - timedelta(hours=2)
    partitions.ensure_partitions("managed_exposures", [at.date()])
    ManagedExposure.objects.create(
        organization_id=optimization.organization_id,
        optimization_id=optimization.pk,
        anonymous_id="edge-1",
        variant='{"color":"Green","headline":"Bold"}',
        context="{}",
        timestamp_utc=at,
        created_at=at,
    )
    send_reward(optimization, "edge-1", at + timedelta(minutes=5))

    page = open_tab(viewer, optimization, visitor="edge-1")

    assert "Saw 4 Bold · Green" in page
    assert "not decided here" in page
    assert "1 of 1" in page


def test_an_unknown_visitor_and_an_erased_one_are_told_apart(
    viewer: Client, world: World, optimization: Optimization
) -> None:
    record(optimization, "visitor-1")
    person_erasure.erase_user(world.organization.pk, "visitor-1", SYSTEM_ACTOR)

    erased = open_tab(viewer, optimization, visitor="visitor-1")
    unknown = open_tab(viewer, optimization, visitor="Visitor-1")
    wrong = open_tab(viewer, optimization, visitor="x" * 2000)

    assert (
        f"The data of this visitor were erased on {timezone.now():%Y-%m-%d}" in erased
    )
    assert "No visitor “Visitor-1” is known here. Ids match exactly" in unknown
    assert "An anonymous id has at most" in wrong


def test_a_visitor_of_another_optimization_is_unknown_here(
    viewer: Client, world: World, optimization: Optimization
) -> None:
    other = staff_world.make_optimization(world.organization, world.metric, "Other")
    record(other, "visitor-1")

    assert "is known here" in open_tab(viewer, optimization, visitor="visitor-1")
    assert "visitor-1" not in open_tab(viewer, optimization)


def test_without_receipts_the_assignment_is_shown(
    viewer: Client, optimization: Optimization
) -> None:
    record(optimization, "visitor-1")
    Decision.objects.all().delete()

    page = open_tab(viewer, optimization, visitor="visitor-1")

    assert Assignment.objects.exists()
    assert "1 Plain · Gray" in page
    assert "past their retention" in page


def test_an_excluded_visitor_and_a_connected_warehouse_are_said(
    viewer: Client, world: World, optimization: Optimization
) -> None:
    record(optimization, "robot-1")
    create_update.exclude_users(optimization, ["robot*"], SYSTEM_ACTOR)
    Connection.objects.create(organization=world.organization, provider="postgres")

    page = open_tab(viewer, optimization, visitor="robot-1")

    assert "Results leave this visitor out" in page
    assert "Exposures and rewards are counted in the connected warehouse" in page
