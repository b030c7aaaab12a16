"""The overview: what needs attention, then all optimizations, filtered and sorted."""

import gzip
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from levered_site.organizations.models import Organization
from metrics.models import Metric
from optimizations.admin import overview_list
from optimizations.models import Optimization
from tests.support import factories, staff_world
from tests.support.listed_optimizations import (
    make_listed,
    make_reason,
    make_variants,
    store_count,
    store_run,
)
from tests.support.optimization_factories import make_metric

pytestmark = pytest.mark.django_db

MAX_QUERIES = 12
MAX_BYTES = 150_000  # of the page, compressed
LINK = re.compile(r'<th scope="row"><a class="text-link" href="[^"]+">([^<]+)</a>')


@pytest.fixture
def acme() -> Organization:
    return factories.make_organization("Acme")


@pytest.fixture
def metric(acme: Organization) -> Metric:
    return make_metric(acme, name="Purchases")


def make(metric: Metric, name: str, **fields: Any) -> Optimization:
    optimization = make_listed(metric.organization, metric, name)
    store_count(optimization, **fields)
    return optimization


def open_overview(client: Client, **query: str) -> str:
    """Return the page without its indents, so that texts stand as they are read."""
    answer = client.get(reverse("admin:index"), query)
    assert answer.status_code == 200
    text = answer.content.decode().replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"\s+", " ", text)


def list_names(client: Client, **query: str) -> list[str]:
    """Return the names in the list, in order."""
    return LINK.findall(open_overview(client, **query))


def read_attention(page: str) -> str:
    """Return the section of what needs attention."""
    return page.split('aria-labelledby="attention-title"')[1].split(
        "</section>", maxsplit=1
    )[0]


def test_what_needs_attention_has_organization_sentence_and_link(
    staff: Client, metric: Metric
) -> None:
    message = "The holdout has 13% of the users where 20% were expected."
    broken = make(metric, "Cart", check_reasons=[make_reason("sample_ratio", message)])
    failing = make(metric, "Search")
    run = store_run(failing, "failed", "no such table: bookings")
    make(metric, "Fine")

    attention = read_attention(open_overview(staff))

    change = "admin:optimizations_optimization_change"
    training = "admin:models_app_trainingrun_change"
    assert "1 broken split · 1 failed training" in attention
    assert attention.index("Cart") < attention.index("Search")
    assert message in attention
    assert attention.count("· Acme<") == 2
    assert "no such table: bookings" in attention
    assert f'href="{reverse(change, args=[broken.pk])}">See what is wrong' in attention
    assert f'href="{reverse(training, args=[run.pk])}">Read the error' in attention
    assert "Fine" not in attention


def test_without_anything_wrong_the_overview_says_so(
    staff: Client, metric: Metric
) -> None:
    assert "no optimization is live" in read_attention(open_overview(staff))

    make(metric, "Fine")

    assert "of 1 live optimization no split is broken" in read_attention(
        open_overview(staff)
    )


def test_an_empty_overview_and_list_lead_to_the_form_of_who_may_create(
    client: Client, metric: Metric
) -> None:
    add = reverse("admin:optimizations_optimization_add")
    listing = reverse("admin:optimizations_optimization_changelist")
    seen = {}
    for role in ("viewer", "editor"):
        user = staff_world.make_member(metric.organization, role, username=role)
        client.force_login(user)
        filtered = client.get(listing, {"q": "nothing like it"}).content.decode()
        assert "Nothing matches" in filtered
        seen[role] = (open_overview(client), client.get(listing).content.decode())

    assert all(f'href="{add}' in page for page in seen["editor"])
    assert not any(f'href="{add}' in page for page in seen["viewer"])
    assert "Editors and owners create them" in seen["viewer"][0]
    assert "Nothing here yet" in seen["viewer"][1]


def test_what_does_not_fit_is_one_link_away(staff: Client, metric: Metric) -> None:
    for number in range(11):
        make(metric, f"Cart {number:02}", check_reasons=[make_reason("sample_ratio")])
    make(metric, "Fine")

    attention = read_attention(open_overview(staff))

    assert attention.count("<li>") == 8
    assert 'href="/admin/?waiting=yes#optimizations">List all, 3 more' in attention
    names = list_names(staff, waiting="yes", sort="name")
    assert names == [f"Cart {number:02}" for number in range(11)]


@pytest.mark.parametrize("path", ["admin:index", "list"])
def test_a_lift_is_good_only_beside_a_health_that_is_ok(
    staff: Client, metric: Metric, path: str
) -> None:
    """It is withheld with the reason while the split is broken, and amber beside a warning."""
    limits = {"lift": 15.8, "lift_ci_anytime": [0.2, 34.0]}
    make(metric, "healthy", **limits)
    make(metric, "warned", **limits, check_reasons=[make_reason("whales", "Whales.")])
    make(
        metric, "split", **limits, check_reasons=[make_reason("sample_ratio", "Lost.")]
    )
    name = "admin:optimizations_optimization_changelist" if path == "list" else path

    page = staff.get(reverse(name)).content.decode().replace("\N{NO-BREAK SPACE}", " ")

    rows = {
        each: re.split(r"</tr>", page.split(f">{each}</a>")[-1])[0]
        for each in ("healthy", "warned", "split")
    }
    assert "chart-interval chart-good" in rows["healthy"]
    assert "+15.8 %" in rows["healthy"]
    assert "between +0.2 % and +34.0 %" in rows["healthy"]
    assert "chart-interval chart-watch" in rows["warned"]
    assert "Whales." in rows["warned"]
    assert "chart-good" not in rows["warned"] + rows["split"]
    assert "withheld" in rows["split"]
    assert "Lost." in rows["split"]
    assert "+15.8" not in rows["split"]


def test_a_lift_that_cannot_be_gives_its_reason(staff: Client, metric: Metric) -> None:
    make(
        metric,
        "young",
        lift=None,
        lift_ci_anytime=None,
        unavailable={"lift": "nobody held out has converted yet"},
    )

    assert "nobody held out has converted yet" in open_overview(staff)


def test_the_list_is_filtered_by_status_health_organization_and_search(
    staff: Client, metric: Metric
) -> None:
    other = make_metric(factories.make_organization("Nordlicht"), name="Bookings")
    make(metric, "healthy")
    make(metric, "split", check_reasons=[make_reason("sample_ratio")])
    make(other, "Map")
    draft = make_listed(
        metric.organization, metric, "draft", status="draft", days_live=None
    )
    make_listed(metric.organization, metric, "gone", status="archived")

    def find(**query: str) -> set[str]:
        return set(list_names(staff, **query))

    assert find() == {"healthy", "split", "Map", "draft"}
    assert find(status="draft") == {"draft"}
    assert find(status="archived") == {"gone"}
    assert find(health="broken") == {"split"}
    assert find(health="none") == {"draft"}
    assert find(organization=other.organization_id) == {"Map"}
    assert find(organization=other.organization_id, health="broken") == set()
    assert find(q="HEAL") == {"healthy"}
    assert find(q="nordl") == {"Map"}
    assert find(q=str(draft.pk)) == {"draft"}
    assert find(status="nothing", health="nothing", sort="nothing", page="x") == find()
    page = open_overview(staff, q="nothing like it")
    assert "No optimization matches." in page
    assert "broken (1)" in page


def test_the_list_is_sorted_by_every_column_and_withheld_lifts_come_last(
    staff: Client, metric: Metric
) -> None:
    make(metric, "b", lift=1.0, users=10)
    make(metric, "a", lift=9.0, users=30, check_reasons=[make_reason("whales")])
    make(metric, "c", lift=50.0, users=20, check_reasons=[make_reason("sample_ratio")])
    Optimization.objects.filter(name="a").update(
        went_live_at=timezone.now() - timedelta(days=90)
    )

    orders = {
        "name": "abc",
        "-name": "cba",
        "lift": "bac",
        "-lift": "abc",
        "health": "cab",
        "-health": "bac",
        "users": "bca",
        "-users": "acb",
    }
    for sort, names in orders.items():
        assert "".join(list_names(staff, sort=sort)) == names, sort
    assert list_names(staff, sort="live")[0] == "a"
    page = open_overview(staff, sort="lift")
    assert 'aria-sort="ascending"><a href="/admin/?sort=-lift#optimizations"' in page


def test_a_page_of_fifty_variants_each_is_small_and_takes_few_queries(
    client: Client,
    metric: Metric,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    """More than one page of optimizations; nothing grows with their number."""
    rows = [make(metric, f"Cart {number:03}") for number in range(60)]
    make_variants(rows[:55], 50)
    for row in rows[:20]:
        row.results_summary.check_reasons = [make_reason("sample_ratio", "x" * 200)]
        row.results_summary.save()
    client.force_login(staff_world.make_member(metric.organization, "viewer"))
    paths = [
        reverse("admin:index"),
        f"{reverse('admin:index')}?health=broken&sort=-lift&q=cart",
        reverse("admin:optimizations_optimization_activity"),
        reverse("admin:optimizations_optimization_changelist"),
    ]

    for path in paths:
        with django_assert_max_num_queries(MAX_QUERIES):
            answer = client.get(path)
        assert answer.status_code == 200
        assert len(gzip.compress(answer.content)) < MAX_BYTES

    first, second = (list_names(client, sort="name", page=page) for page in "12")
    assert len(first) == overview_list.PAGE_SIZE
    assert first + second == [f"Cart {number:03}" for number in range(60)]
    assert list_names(client, sort="name", page="9") == second


def test_the_last_24_hours_show_decisions_trainings_and_changes(
    staff: Client,
) -> None:
    """The page asks for them when it is there."""
    world = staff_world.make_world()
    staff_world.record_decision(world.optimization, "visitor-1")
    path = reverse("admin:optimizations_optimization_activity")

    page = staff.get(path).content.decode()

    assert f'hx-get="{path}"' in open_overview(staff)
    assert "Decisions: 1" in page
    assert "<svg" in page
    assert "Went live" in page
    assert "<script" not in page


def test_the_page_says_how_to_search_everything(staff: Client) -> None:
    assert "<kbd>Ctrl-K</kbd>" in open_overview(staff)
