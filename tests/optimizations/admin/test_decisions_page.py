"""The tab Decisions without a visitor: the latest receipts, filtered, paged, as CSV."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from levered_site.organizations.actors import SYSTEM_ACTOR
from models_app.models import PolicyVersion
from optimizations.admin.result_page import allocation_map
from optimizations.admin.tabs import registry
from optimizations.configuration import create_update
from optimizations.models import Decision, Optimization
from tests.support import factories, staff_world
from tests.support.decisions_tab import list_visitors, open_tab, record, send_reward

pytestmark = pytest.mark.django_db
MAX_QUERIES = 12
SPACE = "\xa0"


def test_the_list_is_filtered_as_links_and_fields_ask(
    viewer: Client, optimization: Optimization
) -> None:
    record(optimization, "mobile-1")
    record(optimization, "desktop-2", variant_number=2, context='{"device":"desktop"}')
    record(optimization, "held-1", in_holdout=True, policy_version=3, context="")
    record(optimization, "tablet-1", context='{"device":"tablet"}')
    record(optimization, "planless-1", context='{"plan":"free"}')
    mobile, missing = json.dumps({"device": "mobile"}), {"context.device": "missing"}

    def found(**query: str) -> set[str]:
        return set(list_visitors(viewer, optimization, **query))

    everybody = {"mobile-1", "desktop-2", "held-1", "tablet-1", "planless-1"}
    assert found() == everybody
    assert found(context=mobile, variant="1") == {"mobile-1"}
    assert found(**{"context.device": "desktop"}) == {"desktop-2"}
    assert found(**{"context.device": "other"}) == {"tablet-1"}
    assert found(**{"context.device": "missing"}) == {"held-1", "planless-1"}
    assert found(**{"context.device": "missing", "arm": "holdout"}) == {"held-1"}
    assert found(**{"context.device": "tablet"}) == {"tablet-1"}
    link = allocation_map.build_receipts_url(optimization, {"device": "other"}, 1)
    linked = viewer.get(link).context["page"].rows
    assert [row.anonymous_id for row in linked] == ["tablet-1"]
    assert 'value="missing" selected' in open_tab(viewer, optimization, **missing)
    assert found(arm="holdout") == {"held-1"}
    assert found(version="3") == {"held-1"}
    assert found(variant="2", arm="holdout") == set()


@pytest.mark.parametrize(
    "query",
    [
        {"variant": "one"},
        {"version": "9" * 30},
        {"context": "no JSON"},
        {"context": "[1]"},
        {"context": '{"device": 1}'},
    ],
)
def test_a_filter_that_nobody_can_read_shows_nothing_and_says_so(
    viewer: Client, optimization: Optimization, query: dict[str, str]
) -> None:
    record(optimization, "visitor-1")

    page = open_tab(viewer, optimization, **query)

    assert "so no decision is shown" in page
    assert list_visitors(viewer, optimization, **query) == []


def test_the_list_is_read_page_by_page_with_its_filter(
    viewer: Client, optimization: Optimization
) -> None:
    start = timezone.now() - timedelta(hours=2)
    for number in range(60):
        at = start + timedelta(seconds=number // 2)  # two at each moment
        record(optimization, f"visitor-{number}", decided_at=at)
    path = registry.build_url(optimization, "decisions")

    first = viewer.get(path, {"variant": "1"})
    second = viewer.get(first.context["next_url"])

    rows = [*first.context["page"].rows, *second.context["page"].rows]
    assert len({row.anonymous_id for row in rows}) == len(rows) == 60
    assert [row.at for row in rows] == sorted((row.at for row in rows), reverse=True)
    assert second.context["page"].next_before == ""
    assert second.context["wanted"].variant == 1
    assert list_visitors(viewer, optimization, before="soon")[0] == "visitor-59"


def test_the_csv_has_the_receipts_of_the_filter_or_the_steps_of_a_visitor(
    viewer: Client, optimization: Optimization
) -> None:
    record(optimization, "=visitor-1")
    record(optimization, "other", variant_number=2)
    path = registry.build_url(optimization, "decisions")

    listed = viewer.get(path, {"format": "csv", "variant": "1"})
    steps = viewer.get(path, {"format": "csv", "visitor": "=visitor-1"})

    head, *rows = listed.content.decode("utf-8-sig").splitlines()
    assert head.endswith("policy_version,propensity,redraw,context.device")
    assert len(rows) == 1
    assert "'=visitor-1" in rows[0]
    assert rows[0].endswith(",0,0.25,0,mobile")
    assert "decision,Got 1 Plain" in steps.content.decode()
    assert "visitor.csv" in steps["Content-Disposition"]


def test_a_stranger_finds_no_decision(
    client: Client, optimization: Optimization
) -> None:
    record(optimization, "visitor-1")
    stranger = staff_world.make_member(factories.make_organization("Other"), "owner")
    client.force_login(stranger)
    path = registry.build_url(optimization, "decisions")

    answers = [
        client.get(path, query)
        for query in ({}, {"visitor": "visitor-1"}, {"format": "csv"})
    ]

    assert {answer.status_code for answer in answers} <= {403, 404}
    assert not any(b"visitor-1" in answer.content for answer in answers)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("query", [{}, {"visitor": "visitor-1"}, {"variant": "1"}])
def test_the_decisions_take_few_queries(
    viewer: Client,
    optimization: Optimization,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    query: dict[str, str],
) -> None:
    """A visitor who was drawn again takes no more queries than any other."""
    first = record(optimization, "visitor-1")
    values = Decision.objects.filter(pk=first.pk).values().get()
    for number in (1, 2, 3):
        create_update.set_variant_enabled(
            optimization, 4, SYSTEM_ACTOR, enabled=number == 2
        )
        again = {"id": first.pk + number, "redraw": number, "policy_version": number}
        Decision.objects.create(**values | again)
    send_reward(optimization, "visitor-1", timezone.now())
    open_tab(viewer, optimization, **query)
    assert PolicyVersion.objects.count() == 4

    with django_assert_max_num_queries(MAX_QUERIES):
        page = open_tab(viewer, optimization, **query)

    assert "visitor-1" in page
