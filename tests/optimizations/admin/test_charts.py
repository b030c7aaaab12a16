"""The charts of the panel: what they show, what they withhold and what they cost."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from levered_site.charts.element import Element
from optimizations.admin import guardrail_section, lift_chart, panel_charts
from optimizations.models import Optimization, PublishedDay, Regime
from optimizations.results import guardrail_report, history, report
from optimizations.results.health import Health, HealthReason
from tests.support import chart_layout, result_visitors, unhealthy_worlds

pytestmark = pytest.mark.django_db(transaction=True)
HEALTHY = Health("ok", [], None)
BROKEN = Health(
    "broken",
    [HealthReason("sample_ratio", "The holdout has 13% of users.", "Send exposures.")],
    None,
)
START = date(2026, 11, 1)


def publish(optimization: Optimization, *days: dict[str, Any]) -> None:
    """Store days as they were published, one after another."""
    for number, figures in enumerate(days):
        PublishedDay.objects.create(
            optimization=optimization,
            day=START + timedelta(days=number),
            figures=figures,
            published_at=datetime(2026, 11, 1, tzinfo=UTC),
        )


def build_figures(lift: float | None, *limits: float) -> dict[str, Any]:
    return {
        "measured_lift_percent": lift,
        "measured_lift_ci_anytime": limits or None,
        "measured_lift_ci": limits or None,
        "health": history.encode_health(HEALTHY),
    }


def list_rows(chart: Element) -> list[list[str]]:
    """Return the cells of a chart's table."""
    rows = chart_layout.parse(chart).iterfind(".//tbody/tr")
    return [[cell.text or "" for cell in row] for row in rows]


def test_the_lift_marks_the_day_from_which_the_band_stays_above_zero() -> None:
    optimization = result_visitors.make_visited_optimization()
    PublishedDay.objects.filter(optimization=optimization).delete()
    publish(
        optimization,
        build_figures(9, 1, 20),
        build_figures(8, -1, 19),
        build_figures(9, 1, 18),
        build_figures(9, 2, 17),
    )
    regime = Regime(
        number=2,
        starts_at=datetime(2026, 11, 2, 9, tzinfo=UTC),
        reason="variant 4 disabled",
    )

    daily = history.load_published_days(optimization)
    rows = list_rows(lift_chart.draw_lift(HEALTHY, daily, [regime]))

    assert [row[-1] for row in rows] == [
        *("", "variant 4 disabled", lift_chart.DECIDED_ABOVE, ""),
    ]


def test_a_day_of_a_broken_split_is_a_gap_with_its_reason() -> None:
    optimization = result_visitors.make_visited_optimization()
    PublishedDay.objects.filter(optimization=optimization).delete()
    broken = build_figures(80, 70, 90) | {"health": history.encode_health(BROKEN)}
    publish(optimization, build_figures(8, -1, 19), broken, build_figures(9, 1, 18))

    daily = history.load_published_days(optimization)
    rows = list_rows(lift_chart.draw_lift(HEALTHY, daily, []))

    assert rows[1] == [
        *("2026-11-02", "—", "—", "—", "The holdout has 13% of users."),
    ]


def test_while_the_split_is_broken_the_reason_stands_in_place_of_the_lift() -> None:
    optimization = unhealthy_worlds.make_broken_split()
    results = report.build_results(optimization)

    charts = dict(panel_charts.render_charts(optimization, results))

    reason = results.health.reasons[0]
    assert results.health.status == "broken"
    assert reason.message in charts["Lift over time"].replace("&#x27;", "'")
    assert "<svg" not in charts["Lift over time"]


def test_a_trained_optimization_shows_what_was_shown_and_believed() -> None:
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    results = report.build_results(optimization)

    charts = dict(panel_charts.render_charts(optimization, results))

    assert "<svg" in charts["Who was shown what"]
    assert charts["What each variant is believed to earn"].count("chart-ridge") == 2 * 4
    assert "went live" in charts["Measuring periods"].lower()


def test_the_charts_make_two_queries(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    optimization = result_visitors.make_visited_optimization()
    results = report.build_results(optimization)

    with django_assert_num_queries(2):
        panel_charts.render_charts(optimization, results)


def test_a_violated_guardrail_is_drawn_as_bad_unless_the_split_is_broken() -> None:
    optimization, metric = unhealthy_worlds.make_violated_guardrail()
    listed = guardrail_report.build_guardrails(optimization)

    drawn = guardrail_section.draw_guardrails(listed)
    withheld = guardrail_section.draw_guardrails(replace(listed, health=BROKEN))

    assert list_rows(drawn)[0][0] == metric.name
    assert "chart-bad" in drawn.__html__()
    assert "<svg" not in withheld.__html__()
    assert "Send exposures." in withheld.__html__()


def test_the_list_draws_the_interval_beside_the_lift() -> None:
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    summary = optimization.results_summary
    bar = lift_chart.draw_lift_bar(summary)

    assert summary.lift_ci_anytime is not None
    assert bar is not None
    assert "95% at every look" in bar.__html__()
