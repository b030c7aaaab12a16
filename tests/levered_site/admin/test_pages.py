"""The staff pages: every list and every thing can be opened and is found."""

from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from levered_site.admin.partitioned import EPOCH, MICROSECOND
from levered_site.organizations.models import AuditEntry, Organization
from models_app.models import PolicyVersion
from optimizations.models import Decision, Optimization, Regime, Variant
from tests.support import staff_world

pytestmark = pytest.mark.django_db

EVERY_LIST = sorted(
    f"{model._meta.app_label}_{model._meta.model_name}"
    for model in admin.site._registry
)


def test_every_resource_has_a_page() -> None:
    """Composite keys cannot be registered: locks are seen through decisions."""
    names = {model.__name__ for model in admin.site._registry}

    assert names >= {
        *("Organization", "Member", "ApiKey", "AuditEntry", "Connection"),
        *("ManagedExposure", "ManagedReward", "Metric", "AssignmentSource"),
        *("BanditModel", "PolicyVersion", "TrainingRun", "Optimization", "Variant"),
        *("Regime", "Decision", "CubeDay", "PublishedDay", "User", "LogEntry"),
    }


@pytest.mark.parametrize("name", EVERY_LIST)
def test_every_list_opens_and_searches(staff: Client, name: str) -> None:
    """With one of everything there, and with words that match nothing."""
    world = staff_world.make_world()
    staff_world.record_decision(world.optimization, "visitor-1")
    path = reverse(f"admin:{name}_changelist")

    answers = [
        staff.get(path),
        staff.get(path, {"q": "nothing like it"}),
        staff.get(path, {"q": str(uuid4())}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_every_thing_opens(staff: Client) -> None:
    """A change page of each kind renders, with no raw bytes on it."""
    world = staff_world.make_world()
    things = [
        world.organization,
        world.metric,
        world.key,
        world.optimization,
        world.optimization.model,
        Variant.objects.first(),
        Regime.objects.first(),
        PolicyVersion.objects.first(),
        AuditEntry.objects.first(),
        User.objects.first(),
    ]

    for thing in things:
        assert thing is not None
        options = thing._meta
        path = reverse(
            f"admin:{options.app_label}_{options.model_name}_change",
            args=[quote(thing.pk)],
        )
        answer = staff.get(path)
        assert answer.status_code == 200, (path, answer.headers)
        assert "memory at 0x" not in answer.content.decode()
        assert "b&#x27;" not in answer.content.decode()


@pytest.mark.parametrize(
    ("number", "status"), [(1, 200), (2**63 - 1, 200), (2**63, 302)]
)
def test_a_decision_of_any_id_opens(staff: Client, number: int, status: int) -> None:
    """Serving draws ids of 63 bits, most of them 19 digits long; none is beyond."""
    row = staff_world.record_decision(
        staff_world.make_world().optimization, "visitor-1"
    )
    Decision.objects.filter(pk=row.pk).update(id=min(number, 2**63 - 1))
    moment = (row.decided_at - EPOCH) // MICROSECOND

    path = reverse("admin:optimizations_decision_change", args=[f"{moment}-{number}"])
    answer = staff.get(path)

    assert answer.status_code == status
    assert ("visitor-1" in answer.content.decode()) == (status == 200)


def test_the_overview_counts_what_there_is(staff: Client) -> None:
    """Statuses, decisions of the day, trainings and changes stand on the first page."""
    world = staff_world.make_world()
    staff_world.record_decision(world.optimization, "visitor-1")

    page = staff.get(reverse("admin:index")).content.decode()

    assert "Live optimizations" in page
    assert "Decisions" in page
    assert "optimization.go_live" in page
    assert "<script>" not in page


def test_the_overview_asks_few_questions(
    staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """The number of queries does not grow with what there is."""
    for name in ("One", "Two", "Three"):
        staff_world.make_world(name)

    with django_assert_max_num_queries(24):
        answer = staff.get(reverse("admin:index"))

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "optimizations_optimization",
        "models_app_banditmodel",
        "organizations_organization",
        "metrics_metric",
        "organizations_apikey",
        "optimizations_variant",
        "models_app_policyversion",
        "optimizations_regime",
    ],
)
def test_a_list_asks_as_much_for_three_as_for_one(staff: Client, name: str) -> None:
    """No query per row."""
    path = reverse(f"admin:{name}_changelist")
    staff_world.make_world("One")
    staff.get(path)
    one = queries(staff, path)

    staff_world.make_world("Two")
    staff_world.make_world("Three")

    assert queries(staff, path) == one


def queries(client: Client, path: str) -> int:
    """Count the statements that a page needs."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("visitor-1", {"visitor-1"}),
        ("{id}", {"visitor-1", "visitor-2"}),
        ("{id} visitor-2", {"visitor-2"}),
        ("visitor", set()),
    ],
)
def test_decisions_are_found_by_exact_ids(
    staff: Client, query: str, found: set[str]
) -> None:
    """By optimization, by visitor, by both; never by a part."""
    world = staff_world.make_world()
    other = staff_world.make_world("Other")
    staff_world.record_decision(world.optimization, "visitor-1")
    staff_world.record_decision(world.optimization, "visitor-2")
    staff_world.record_decision(other.optimization, "visitor-3")

    page = staff.get(
        reverse("admin:optimizations_decision_changelist"),
        {"q": query.format(id=world.optimization.pk)},
    ).content.decode()

    assert {f"visitor-{n}" for n in (1, 2, 3) if f">visitor-{n}<" in page} == found


def test_a_decision_tells_why(staff: Client) -> None:
    """Its address holds its moment; its page the probabilities and the lock."""
    world = staff_world.make_world()
    staff_world.record_decision(world.optimization, "visitor-1")
    listing = staff.get(reverse("admin:optimizations_decision_changelist"))
    decision = Decision.objects.get()
    path = next(
        part.split('"')[0]
        for part in listing.content.decode().split('href="')
        if f"-{decision.pk}/change/" in part
    )

    page = staff.get(path).content.decode()

    assert "This decision holds." in page
    assert "25.0%" in page
    assert 'name="_save"' not in page


def test_large_tables_are_never_counted(staff: Client) -> None:
    """No COUNT over a partitioned table, whatever is looked for."""
    world = staff_world.make_world()
    staff_world.record_decision(world.optimization, "visitor-1")

    for name in ("optimizations_decision", "warehouse_managedexposure"):
        with CaptureQueriesContext(connection) as captured:
            staff.get(reverse(f"admin:{name}_changelist"), {"since": "24"})
        assert not [q for q in captured if "COUNT(" in q["sql"].upper()]


def test_an_organization_is_made_here_and_its_id_stays(staff: Client) -> None:
    """Creating and renaming are in the audit log; the id cannot be changed."""
    staff.post(
        reverse("admin:organizations_organization_add"),
        {"id": "org_new", "name": "New"},
    )
    path = reverse("admin:organizations_organization_change", args=[quote("org_new")])
    staff.post(path, {"id": "org_other", "name": "Newer"})

    assert Organization.objects.get().name == "Newer"
    assert list(
        AuditEntry.objects.order_by("id").values_list(
            "action", "actor_kind", "actor_id"
        )
    ) == [
        ("organization.create", "staff", "root"),
        ("organization.update", "staff", "root"),
    ]


def test_optimizations_are_not_made_here(staff: Client) -> None:
    """The page says where they are made."""
    answer = staff.get(reverse("admin:optimizations_optimization_add"))
    listing = staff.get(reverse("admin:optimizations_optimization_changelist"))

    assert answer.status_code == 403
    assert "created through the API" in listing.content.decode()
    assert not Optimization.objects.exists()
