"""Receipts by variant and context, as the links of the results ask for them."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from optimizations.models import Decision, Optimization
from tests.support import staff_world
from tests.support.staff_world import World

pytestmark = pytest.mark.django_db


def list_visitors(client: Client, optimization: Optimization, **query: str) -> set[str]:
    """Return the visitors of the receipts that the list shows."""
    path = reverse("admin:optimizations_decision_changelist")
    answer = client.get(path, {"q": str(optimization.pk), **query})
    assert answer.status_code == 200, answer.headers
    return {row.anonymous_id for row in answer.context["cl"].result_list}


@pytest.fixture
def receipts(world: World) -> Optimization:
    """Record a mobile visitor of variant 1, a desktop one of 2, and one without context."""
    optimization = world.optimization
    for visitor, number, context in (
        ("mobile-1", 1, '{"device":"mobile"}'),
        ("desktop-2", 2, '{"device":"desktop"}'),
        ("nothing-1", 1, ""),
    ):
        row = staff_world.record_decision(optimization, visitor)
        Decision.objects.filter(pk=row.pk).update(
            variant_number=number, context=context
        )
    return optimization


def test_a_variant_and_a_context_keep_their_receipts(
    viewer: Client, receipts: Optimization
) -> None:
    mobile = json.dumps({"device": "mobile"})

    assert list_visitors(viewer, receipts, variant="1") == {"mobile-1", "nothing-1"}
    assert list_visitors(viewer, receipts, context=mobile) == {"mobile-1"}
    assert list_visitors(viewer, receipts, context=mobile, variant="2") == set()
    missing, other = (json.dumps({"device": name}) for name in ("missing", "other"))
    assert list_visitors(viewer, receipts, context=missing) == {"nothing-1"}
    assert list_visitors(viewer, receipts, context=other) == set()
    Decision.objects.filter(anonymous_id="desktop-2").update(context='{"device":"tv"}')
    assert list_visitors(viewer, receipts, context=other) == {"desktop-2"}
    assert len(list_visitors(viewer, receipts)) == 3


@pytest.mark.parametrize(
    "query",
    [
        {"variant": "one"},
        {"variant": "9" * 30},
        {"context": "no JSON"},
        {"context": "[1]"},
        {"context": '{"device": 1}'},
        {"context": '{"device": "a\\u0000b"}'},
    ],
)
def test_a_filter_that_nobody_can_read_keeps_nothing(
    viewer: Client, receipts: Optimization, query: dict[str, str]
) -> None:
    assert list_visitors(viewer, receipts, **query) == set()
