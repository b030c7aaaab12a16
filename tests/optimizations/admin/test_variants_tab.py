"""The tab Variants: cards and a table of all variants."""

import gzip
import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from levered_site import level_texts
from optimizations.admin.documents import variant_rows
from optimizations.admin.tabs import registry
from optimizations.admin.variant_page import first_variants, query, rows
from optimizations.admin.variant_page.rows import VariantRow
from optimizations.models import Optimization, Variant
from optimizations.results.readings import full_results
from tests.support import (
    optimization_factories,
    pictures,
    result_visitors,
    staff_world,
)
from tests.support.staff_world import World
from tests.support.variants_tab import list_cards, open_tab

with_data = pytest.mark.django_db(transaction=True)
MAX_QUERIES = 12
MAX_BYTES = 150_000
SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a variant that the page sorts by."""

    prob_best: float | None = None
    expected_reward_mean: float | None = None
    weight: float | None = None
    users: int = 0


def make_rows(*figures: Figures, **fields: Any) -> list[VariantRow]:
    """Return variants of two factors, numbered from 1, without a database."""
    optimization = Optimization(status="live", **fields)
    made: list[Any] = []
    for number, each in enumerate(figures, start=1):
        headline, color = divmod(number - 1, 2)
        variant = Variant(optimization=optimization, number=number, pk=number)
        levels = [
            rows.Level("headline", ("Plain", "Bold")[headline], headline, 2),
            rows.Level("color", ("Gray", "Green")[color], color, 2),
        ]
        state = "disabled" if number == 2 else "served"
        made.append(VariantRow(variant, levels, state, number == 4, each))  # type: ignore[arg-type]
    return made


def find_numbers(listed: list[VariantRow], address: str) -> list[int]:
    """Return the numbers of the variants that an address finds, in their order."""
    request = RequestFactory().get(f"/variants/?{address}")
    return [row.number for row in query.find_rows(listed, query.read_query(request))]


@pytest.mark.parametrize(
    ("address", "numbers"),
    [
        ("", [4, 1, 3, 2]),
        ("sort=number", [1, 2, 3, 4]),
        ("sort=-users", [3, 1, 2, 4]),
        ("sort=mean", [1, 4, 2, 3]),
        ("sort=nothing", [4, 1, 3, 2]),
        ("state=disabled", [2]),
        ("q=bold", [4, 3]),
        ("q=GREEN+bold", [4]),
        ("q=3", [3]),
        ("level-0=1", [4, 3]),
        ("level-0=1&level-1=0", [3]),
        ("level-7=1", []),
        ("level-0=-1&level-x=1", [4, 1, 3, 2]),
    ],
)
def test_variants_are_found_and_sorted_and_those_without_a_value_come_last(
    address: str, numbers: list[int]
) -> None:
    listed = make_rows(
        Figures(0.3, 0.01, 0.1, 20),
        Figures(None, None, None, 5),
        Figures(0.1, None, 0.2, 30),
        Figures(0.6, 0.02, 0.7, 0),
    )

    assert find_numbers(listed, address) == numbers


def test_a_column_sorts_the_other_way_round_when_it_sorts_already() -> None:
    asked = query.VariantQuery(q="bold", view=query.TABLE, levels={0: 1})

    url = asked.build_sort_url("/variants/", "users")
    again = query.read_query(RequestFactory().get(url))
    opposite = again.build_sort_url("/variants/", "users")

    fields = QueryDict(url.partition("?")[2]).dict()
    assert fields == {"q": "bold", "view": "table", "sort": "-users", "level-0": "1"}
    assert again.find_order("users") == "descending"
    assert "sort=users" in opposite


@pytest.mark.parametrize(
    ("levels", "name"),
    [
        ({"headline": "Save hours", "price": "yearly"}, "Save hours · yearly"),
        ({"item": 17}, "item 17"),
        ({"headline": "A", "badge": True, "size": "10"}, "A · badge true · size 10"),
    ],
)
def test_a_level_that_says_nothing_alone_is_named_with_its_factor(
    levels: dict[str, Any], name: str
) -> None:
    assert level_texts.name_levels(levels) == name


@with_data
def test_the_gallery_shows_each_variant_in_words_with_its_interval(
    client: Client,
) -> None:
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    editor = staff_world.make_member(optimization.organization, "editor", "editor")
    viewer = staff_world.make_member(optimization.organization, "viewer", "viewer")
    client.force_login(editor)
    assert open_tab(client, optimization).count("do-disable") == 2 * 3, (
        "the baseline cannot be disabled"
    )
    client.force_login(viewer)

    page = open_tab(client, optimization)

    results = full_results.load_full_results(optimization).results
    best = max(results.variants, key=lambda row: row.prob_best or 0.0)
    cards = list_cards(page)
    assert len(cards) == 4
    first, baseline = cards[0], next(card for card in cards if ">baseline<" in card)
    assert level_texts.name_levels(best.variant) in first
    assert ">leader</span>" in first
    low, high = best.expected_reward_lo, best.expected_reward_hi
    assert low is not None
    assert high is not None
    assert f"{100 * low:.2f}{SPACE}% to {100 * high:.2f}{SPACE}%" in first
    assert f"{best.mature_conversions:,} of {best.mature_users:,}" in first
    assert f"and the 50{SPACE}% held out" in baseline
    assert page.count("chart-range") == 4
    assert "Element(" not in page
    assert "{&quot;" not in page.partition("</form>")[2], "names are no JSON"
    assert "do-disable" not in page


@with_data
def test_a_hundred_variants_stay_light_in_both_views(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    config = optimization_factories.make_config(
        design_factors=[
            optimization_factories.make_factor(
                name, *(f"the {name} with number {number}" for number in range(10))
            )
            for name in ("headline", "color")
        ]
    )
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization(training_data_config=config)
    )
    Variant.objects.filter(optimization=optimization).update(
        screenshot=pictures.build_png()
    )
    client.force_login(staff_world.make_member(optimization.organization, "editor"))
    open_tab(client, optimization)

    for view in (query.GALLERY, query.TABLE):
        with django_assert_max_num_queries(MAX_QUERIES):
            page = open_tab(client, optimization, view=view)
        assert len(gzip.compress(page.encode())) < MAX_BYTES
        assert "100 variants" in page
    gallery = open_tab(client, optimization)
    assert gallery.count('loading="lazy"') == gallery.count("<img") == 100


def test_the_table_names_levels_by_factor_and_says_how_it_is_sorted(
    client: Client, world: World
) -> None:
    client.force_login(staff_world.make_member(world.organization, "viewer"))

    page = open_tab(client, world.optimization, view="table", sort="-users")

    assert 'data-label="headline">Bold</td>' in page
    assert 'data-label="color">Green</td>' in page
    heads = re.findall(r'aria-sort="descending"><a[^>]*>(\w+)', page)
    assert heads == ["Users"]


def test_a_variant_is_disabled_from_the_gallery_which_then_says_so(
    client: Client, world: World
) -> None:
    client.force_login(staff_world.make_member(world.organization, "editor"))
    variant = world.optimization.variants.get(number=2)
    back = registry.build_url(world.optimization, "variants") + "?sort=number"
    page = open_tab(client, world.optimization, sort="number")
    links = re.findall(r'href="([^"]+/do-disable/[^"]*)"', page)
    assert len(links) == 3

    dialog = client.get(links[0])
    answer = client.post(links[0], {"_form_submitted": "on"})

    assert dialog.status_code == 200
    assert answer["Location"] == back
    variant.refresh_from_db()
    assert not variant.enabled
    page = client.get(back).content.decode()
    assert "Disabled: 2 Plain · Green" in page
    card = list_cards(page)[1]
    assert ">disabled</span>" in card
    assert "do-enable" in card


@pytest.mark.parametrize(
    "foreign",
    [
        "https://evil.example/admin/",
        "//evil.example/admin/",
        "/api/v2/docs",
    ],
)
def test_a_dialog_leads_back_to_pages_of_the_admin_only(
    client: Client, world: World, foreign: str
) -> None:
    client.force_login(staff_world.make_member(world.organization, "editor"))
    variant = world.optimization.variants.get(number=2)
    path = reverse(
        "admin:optimizations_variant_do_disable",
        args=[variant.pk],
        query={"next": foreign},
    )

    answer = client.post(path, {"_form_submitted": "on"})

    own = reverse("admin:optimizations_variant_change", args=[variant.pk])
    assert answer["Location"] == own


@pytest.mark.parametrize(
    ("is_less_better", "numbers"), [(False, [4, 2, 3, 1]), (True, [4, 1, 3, 2])]
)
def test_of_equal_chances_the_better_believed_mean_comes_first(
    numbers: list[int],
    is_less_better: bool,
) -> None:
    means = (0.1, 0.3, 0.2, 0.15)
    listed = make_rows(
        *(Figures(float(place == 3), mean) for place, mean in enumerate(means))
    )
    asked = query.read_query(RequestFactory().get("/variants/"))
    results: list[Any] = [row.result for row in listed]

    gallery = query.find_rows(listed, asked, is_less_better=is_less_better)
    ordered = variant_rows.order_variants(results, is_less_better=is_less_better)
    listed[3].variant.has_screenshot = True  # type: ignore[attr-defined]
    first = first_variants.list_first_variants(listed, is_less_better=is_less_better)

    assert [row.number for row in gallery] == numbers
    assert [results.index(row) + 1 for row in ordered] == numbers
    assert [one.number for one in first] == numbers[:3]


def test_the_first_three_are_shown_once_one_of_them_has_a_screenshot() -> None:
    listed = make_rows(Figures(0.3), Figures(None), Figures(0.1), Figures(0.6))

    bare = first_variants.list_first_variants(listed, is_less_better=False)
    listed[0].variant.has_screenshot = True  # type: ignore[attr-defined]
    shown = first_variants.list_first_variants(listed, is_less_better=False)

    assert bare == []
    assert [(one.number, one.chance) for one in shown] == [
        (4, f"best with 60{SPACE}%"),
        (1, f"best with 30{SPACE}%"),
        (3, f"best with 10{SPACE}%"),
    ]
    assert [bool(one.picture_url) for one in shown] == [False, True, False]
