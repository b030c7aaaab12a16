"""Admin pages: every list and every object opens and can be found."""

from collections.abc import Iterator
from datetime import date

import pytest
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from levered_site.admin.partitioned import EPOCH, MICROSECOND
from levered_site.api import rate_limits
from levered_site.level_texts import name_levels
from levered_site.organizations.models import AuditEntry, Organization
from models_app.models import PolicyVersion
from optimizations.cube import storage
from optimizations.models import CubeDay, Decision, Regime, Variant
from tests.support import admin_forms, staff_world
from warehouse.sql.cube.statement import Cell

pytestmark = pytest.mark.django_db


def test_every_resource_has_a_page() -> None:
    """Assignments have a composite key and no page; decisions show them."""
    names = {model.__name__ for model in admin.site._registry}

    assert names >= {
        *("Organization", "Member", "ApiKey", "AuditEntry", "Connection"),
        *("ManagedExposure", "ManagedReward", "Metric", "AssignmentSource"),
        *("BanditModel", "PolicyVersion", "TrainingRun", "Optimization", "Variant"),
        *("Regime", "Decision", "CubeDay", "PublishedDay", "User", "LogEntry"),
    }


@pytest.fixture
def _cache_away(settings: Settings) -> Iterator[None]:
    """Let every call of the cache fail, whoever makes it."""
    missing = "unix:///nonexistent/valkey.sock"
    redis_url = settings.REDIS_URL
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": missing}}
    settings.REDIS_URL = missing
    rate_limits.get_redis_client.cache_clear()
    yield
    settings.REDIS_URL = redis_url
    rate_limits.get_redis_client.cache_clear()
    rate_limits._breaker.paused_until = 0.0


@pytest.mark.usefixtures("_cache_away")
def test_the_overview_opens_without_the_cache(staff: Client) -> None:
    world = staff_world.make_world()
    staff_world.record_decision(world.optimization, "visitor-1")

    answers = [
        staff.get(reverse("admin:index")),
        staff.get(reverse("admin:optimizations_optimization_activity")),
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert "Decisions: 1" in answers[1].content.decode()


@pytest.mark.usefixtures("_cache_away")
def test_every_page_and_the_login_work_without_the_cache(client: Client) -> None:
    world = staff_world.make_world()
    staff_world.make_superuser(password=staff_world.PASSWORD)
    login = {"username": "root", "password": staff_world.PASSWORD}

    assert client.post(reverse("admin:login"), login).status_code == 302

    paths = [
        *(reverse(f"admin:{name}_changelist") for name in admin_forms.EVERY_LIST),
        admin_forms.build_change_url(world.optimization),
        admin_forms.build_change_url(world.optimization.model),
        *(f"{reverse('admin:search')}?s=check{extra}" for extra in ("", "&extended")),
    ]
    statuses = {path: client.get(path).status_code for path in paths}
    assert set(statuses.values()) == {200}, statuses
    form = admin_forms.open_form(client, world.optimization)
    answer = admin_forms.send_form(client, world.optimization, form, name="Renamed")
    assert answer.status_code == 302


@pytest.mark.parametrize("page", ["", "1", "999", "abc", "-1"])
def test_the_search_finds_pages_and_objects(staff: Client, page: str) -> None:
    world = staff_world.make_world()
    query = {"s": "Checkout", "extended": "1", "page": page}

    found = staff.get(reverse("admin:search"), query)
    nothing = staff.get(reverse("admin:search"), {"s": ""})

    assert admin_forms.build_change_url(world.optimization) in found.content.decode()
    assert (nothing.status_code, nothing.content) == (200, b"")


def test_the_search_finds_nothing_that_a_user_may_not_view_any_more(
    client: Client,
) -> None:
    organization = staff_world.make_world().organization
    clerk = staff_world.make_member(organization, "viewer")
    client.force_login(clerk)
    query = {"s": "checkout", "extended": "1"}
    before = client.get(reverse("admin:search"), query).content.decode()

    clerk.staff_memberships.all().delete()

    after = client.get(reverse("admin:search"), query).content.decode()
    assert "Checkout" in before
    assert "Checkout" not in after


def test_every_object_opens(staff: Client) -> None:
    """The page of each kind of object renders, without raw bytes."""
    world = staff_world.make_world()
    objects = [
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

    for each in objects:
        assert each is not None
        options = each._meta
        path = reverse(
            f"admin:{options.app_label}_{options.model_name}_change",
            args=[quote(each.pk)],
        )
        answer = staff.get(path)
        assert answer.status_code == 200, (path, answer.headers)
        assert "memory at 0x" not in answer.content.decode()
        assert "b&#x27;" not in answer.content.decode()


@pytest.mark.parametrize(
    ("number", "status"), [(1, 200), (2**63 - 1, 200), (2**63, 404)]
)
def test_a_decision_of_any_id_opens(staff: Client, number: int, status: int) -> None:
    """Serving draws ids of 63 bits, most of them 19 digits long, and none larger."""
    row = staff_world.record_decision(
        staff_world.make_world().optimization, "visitor-1"
    )
    Decision.objects.filter(pk=row.pk).update(id=min(number, 2**63 - 1))
    time = (row.decided_at - EPOCH) // MICROSECOND

    path = reverse("admin:optimizations_decision_change", args=[f"{time}-{number}"])
    answer = staff.get(path)

    assert answer.status_code == status
    assert ("visitor-1" in answer.content.decode()) == (status == 200)


@pytest.mark.parametrize("time", [10**18 - 1, -(10**18) + 1])
def test_a_time_beyond_the_calendar_names_no_decision(staff: Client, time: int) -> None:
    path = reverse("admin:optimizations_decision_change", args=[f"{time}-1"])

    assert staff.get(path).status_code == 404


def test_a_decision_shows_its_probabilities(staff: Client) -> None:
    """Its page also shows the user's present assignment, and it has no save button."""
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

    assert "The user gets the variant of this decision." in page
    assert "25.0%" in page
    baseline = name_levels(world.optimization.variants.get(number=1).levels)
    for shown in (page, listing.content.decode()):
        assert baseline in shown
    assert 'name="_save"' not in page


@pytest.mark.parametrize(("count", "note"), [(1, ""), (51, "50 of 51")])
def test_a_cube_day_shows_its_cells_in_a_table(
    staff: Client, count: int, note: str
) -> None:
    """The table is HTML and not escaped, with or without the note below it."""
    world = staff_world.make_world()
    cell = Cell(
        regime=0,
        day=date(2026, 1, 14),
        policy_version=0,
        holdout=False,
        variant=1,
        context=0,
        outcome=None,
        mature=True,
        hour=None,
        users=3,
        exposures=3,
        converted=1,
        value_sum=0.0,
        value_sum_squares=0.0,
        payers=0,
        log_sum=0.0,
        log_sum_squares=0.0,
    )
    stored = storage.StoredDay(cell.day, (cell,) * count, (0,) * 32, 0, 0, "0" * 16)
    row = CubeDay.objects.create(
        optimization=world.optimization,
        metric=world.metric,
        day=cell.day,
        cells=storage.encode_day(stored),
        computed_at=timezone.now(),
    )

    path = reverse("admin:optimizations_cubeday_change", args=[row.pk])
    page = staff.get(path).content.decode()

    assert "<th>policy_version</th>" in page
    assert f"</table></div>{note}" in page


def test_staff_create_and_rename_organizations_but_keep_their_ids(
    staff: Client,
) -> None:
    """Creating and renaming write audit entries."""
    staff.post(
        reverse("admin:organizations_organization_add"),
        {"id": "org_new", "name": "New"},
    )
    organization = Organization.objects.get()
    shown = admin_forms.read_shown_values(staff, organization)
    admin_forms.send_form(staff, organization, shown, id="org_other", name="Newer")

    assert Organization.objects.get().name == "Newer"
    assert list(
        AuditEntry.objects.order_by("id").values_list(
            "action", "actor_kind", "actor_id"
        )
    ) == [
        ("organization.create", "staff", "root"),
        ("organization.update", "staff", "root"),
    ]


def test_the_list_of_optimizations_leads_to_their_form(staff: Client) -> None:
    staff_world.make_world()
    listing = staff.get(reverse("admin:optimizations_optimization_changelist"))
    page = staff.get(reverse("admin:optimizations_optimization_add"), follow=True)

    assert 'title="Add optimization"' in listing.content.decode()
    assert "New optimization" in page.content.decode()
