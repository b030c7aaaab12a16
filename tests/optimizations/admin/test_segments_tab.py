"""The tab Segments: who gets what now, the lift by segment, what personalizing is worth."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from optimizations.admin.result_page import personalization, segment_table
from optimizations.admin.tabs import registry
from optimizations.models import Optimization
from optimizations.results.readings import full_results, report
from optimizations.results.readings.full_results import FullResults
from optimizations.results.readings.personalization import NO_CONTEXTS
from optimizations.results.reasons import NO_DIFFERENCE
from tests.support import (
    optimization_factories,
    result_visitors,
    staff_world,
    traffic,
    unhealthy_worlds,
)

pytestmark = pytest.mark.django_db(transaction=True)
MAX_QUERIES = 12
SPACE = "\N{NO-BREAK SPACE}"


def rate_by_device(variant: traffic.Json, context: traffic.Json) -> float:
    """Return a rate at which each device has a headline that suits it far better."""
    suits = (variant["headline"] == "B") == (context["device"] == "mobile")
    return 0.4 if suits else 0.1


def make_personalized() -> Optimization:
    """Make a trained optimization in which one variant for all is far from the best."""
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization(), holdout_percentage=30
    )
    day = timezone.now() - timedelta(days=3)
    start = day.replace(hour=1, minute=0, second=0, microsecond=0)
    traffic.simulate_visitors(optimization, start, 1500, rate_by_device)
    return result_visitors.train_and_return(optimization)


def open_tab(client: Client, optimization: Optimization) -> str:
    """Return the page as a viewer reads it."""
    client.force_login(staff_world.make_member(optimization.organization, "viewer"))
    answer = client.get(registry.build_url(optimization, "segments"))
    assert answer.status_code == 200
    return answer.content.decode()


def replace_stats(full: FullResults, **fields: Any) -> report.Results:
    return replace(full.results, stats=replace(full.results.stats, **fields))


def test_where_devices_differ_personalization_has_a_worth_and_cells_have_receipts(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    optimization = make_personalized()
    open_tab(client, optimization)

    with django_assert_max_num_queries(MAX_QUERIES):
        answer = client.get(registry.build_url(optimization, "segments"))

    page = answer.content.decode()
    full = full_results.load_full_results(optimization)
    stats = full.results.stats
    gain, interval = stats.personalization_percent, stats.personalization_interval
    assert gain is not None
    assert interval is not None
    assert 0 < interval[0] < gain < interval[1]
    worth = answer.context["figures"][0]
    assert worth.value == f"{gain:+.1f}{SPACE}%"
    low, high = (f"{end:+.1f}{SPACE}%" for end in interval)
    assert f"95% sure: between {low} and {high}" in worth.note
    drawn = answer.context["allocation"]
    assert len(drawn.columns) == 4
    best = {
        row.name: next(
            number
            for number, cell in zip(drawn.columns, row.cells, strict=True)
            if cell.is_largest
        )
        for row in drawn.rows
    }
    assert best["mobile"] in {3, 4}
    assert best["desktop"] in {1, 2}
    for row in drawn.rows:
        for cell in row.cells:
            assert cell.url.replace("&", "&amp;") in page
        assert row.url.replace("&", "&amp;") in page
        assert f"%22{row.name}%22" in row.url
    rows = {row.level: row for row in answer.context["segments"].rows}
    assert " B · cta " in rows["mobile"].best.value
    assert f"{SPACE}% to " in rows["mobile"].lift.note
    check_words(full)


def test_a_broken_split_withholds_every_lift_of_a_segment(client: Client) -> None:
    optimization = unhealthy_worlds.make_broken_split()

    page = open_tab(client, optimization)
    variants = client.get(registry.build_url(optimization, "variants"))

    full = full_results.load_full_results(optimization)
    gallery = variants.content.decode().partition('class="variant-cards"')
    assert "Do not read these numbers yet" in gallery[0]
    assert "users of one arm are lost" in gallery[0]
    table = segment_table.build_segment_table(optimization, full.results, {})
    worth = personalization.build_personalization(full.results)
    assert "Do not read these numbers yet" in page
    assert worth.value == "—"
    assert "arms cannot be compared" in worth.note
    assert {row.lift.value for row in table.rows} == {"—"}
    assert len(table.reasons) == 1, "the reason is said once"
    assert page.count("opt-largest") > 0, "what is served is known all the same"


def test_without_context_factors_the_tab_says_what_is_missing(client: Client) -> None:
    config = optimization_factories.make_config(context_factors=[])
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization(training_data_config=config)
    )

    page = open_tab(client, optimization)

    results = report.build_results(optimization)
    assert "no context factors: every visitor is served alike" in page
    assert results.stats.personalization_percent is None
    name = "stats.personalization_percent"
    assert results.unavailable[name] == NO_CONTEXTS


def check_words(full: FullResults) -> None:
    """Check what is said of a worth, of none, and of one that is not known yet."""
    known = replace_stats(
        full,
        best_variant=3,
        personalization_percent=9.1,
        personalization_interval=(2.0, 15.0),
    )
    one_leader = replace_stats(
        full,
        best_variant=3,
        personalization_percent=None,
        personalization_interval=(0.0, 0.0),
    )
    unclear = replace(
        replace_stats(
            full, personalization_percent=None, personalization_interval=(-1.0, 4.0)
        ),
        unavailable={personalization.NAME: NO_DIFFERENCE},
    )

    figures = [
        personalization.build_personalization(results)
        for results in (known, one_leader, unclear)
    ]

    assert [figure.value for figure in figures] == [f"+9.1{SPACE}%", "—", "—"]
    assert f"between +2.0{SPACE}% and +15.0{SPACE}%" in figures[0].note
    assert "Variant 3 leads in every context" in figures[1].note
    assert figures[2].note == (
        f"{NO_DIFFERENCE}: between -1.0{SPACE}% and +4.0{SPACE}%"
    )
    assert "+9.1" in personalization.describe_personalization(known)
    assert NO_DIFFERENCE in personalization.describe_personalization(unclear)
