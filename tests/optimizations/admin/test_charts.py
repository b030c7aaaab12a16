"""The charts of the panel: what they show, what they withhold and what they cost."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from levered_site.charts.element import Element
from optimizations.admin import (
    guardrail_section,
    lift_chart,
    model_charts,
)
from optimizations.admin.result_page import effects
from optimizations.models import Optimization, PublishedDay, Regime, ResultsSummary
from optimizations.results.health.health import Health, HealthReason
from optimizations.results.readings import (
    full_results,
    guardrail_report,
    history,
    report,
)
from optimizations.results.readings.model_effects import Interaction
from tests.support import chart_layout, result_visitors, unhealthy_worlds

pytestmark = pytest.mark.django_db(transaction=True)
HEALTHY = Health("ok", [], None)
BROKEN = Health(
    "broken",
    [HealthReason("sample_ratio", "The holdout has 13% of users.", "Send exposures.")],
    None,
)
START = date(2026, 11, 1)


@dataclass(frozen=True)
class Noted:
    """What somebody noted on a day."""

    date: date
    text: str


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
        *("", "variant 4 disabled", "decided: the band stays above 0", ""),
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
    full = full_results.load_full_results(optimization)

    drawn = lift_chart.draw_lift(full.results.health, full.daily, full.regimes)

    reason = full.results.health.reasons[0]
    assert full.results.health.status == "broken"
    assert reason.message in drawn.__html__()
    assert "<svg" not in drawn.__html__()


def test_a_trained_optimization_shows_what_was_shown_and_believed() -> None:
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    results = report.build_results(optimization)

    shares = model_charts.draw_shares(results).__html__()
    beliefs = model_charts.draw_beliefs(
        results, "bool", is_less_better=False
    ).__html__()

    assert "<svg" in shares
    assert beliefs.count("chart-ridge") == 2 * 4


def test_the_levels_stand_below_their_factor_with_its_share() -> None:
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    results = report.build_results(optimization)

    rows = list_rows(effects.draw_effects(results, "bool", is_less_better=False))

    assert [row[0] for row in rows] == ["headline", "A", "B", "cta", "false", "true"]
    assert rows[0][1] == ""
    assert rows[0][3].endswith("%")
    assert rows[2][1].startswith("+")


def test_a_note_stands_on_the_chart_on_its_day() -> None:
    optimization = result_visitors.make_visited_optimization()
    PublishedDay.objects.filter(optimization=optimization).delete()
    publish(optimization, build_figures(8, -1, 19), build_figures(9, -1, 18))
    daily = history.load_published_days(optimization)

    noted = Noted(START + timedelta(days=1), "A sale began.")
    rows = list_rows(lift_chart.draw_lift(HEALTHY, daily, [], [noted]))

    assert [row[-1] for row in rows] == ["", "A sale began."]


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
    bar = lift_chart.draw_lift_bar(summary, is_less_better=False)

    assert summary.lift_ci_anytime is not None
    assert bar is not None
    assert "95% sure, at every look: between " in bar.__html__()


@pytest.mark.parametrize(
    ("limits", "is_less_better", "tone"),
    [
        ((2, 9), False, "chart-good"),
        ((2, 9), True, "chart-bad"),
        ((-9, -2), False, "chart-bad"),
        ((-9, -2), True, "chart-good"),
        ((-9, 2), True, "chart-neutral"),
    ],
)
def test_whether_a_lift_is_good_depends_on_the_direction(
    limits: tuple[float, float], is_less_better: bool, tone: str
) -> None:
    summary = ResultsSummary(lift=sum(limits) / 2, lift_ci_anytime=list(limits))

    bar = lift_chart.draw_lift_bar(summary, is_less_better=is_less_better)

    assert bar is not None
    assert f"chart-interval {tone}" in bar.__html__()


def test_less_of_a_bad_thing_is_decided_and_more_of_it_harms() -> None:
    optimization = result_visitors.make_visited_optimization()
    PublishedDay.objects.filter(optimization=optimization).delete()
    publish(optimization, build_figures(-8, -19, 1), build_figures(-9, -18, -1))
    daily = history.load_published_days(optimization)

    better = lift_chart.draw_lift(HEALTHY, daily, [], is_less_better=True)
    worse = lift_chart.draw_lift(HEALTHY, daily, [])

    for chart, kind in ((better, "chart-decided"), (worse, "chart-harmed")):
        assert list_rows(chart)[1][-1] == "decided: the band stays below 0"
        assert kind in chart.__html__()


def test_without_any_percentage_the_difference_is_drawn_with_its_open_end() -> None:
    optimization = result_visitors.make_visited_optimization()
    PublishedDay.objects.filter(optimization=optimization).delete()
    figures = build_figures(None) | {
        "measured_difference": 0.25,
        "measured_difference_ci_anytime": [0.1, None],
        "unavailable": {"measured_lift_percent": "nobody held out converted"},
    }
    publish(optimization, figures, figures)
    daily = history.load_published_days(optimization)

    rows = list_rows(lift_chart.draw_lift(HEALTHY, daily, []))

    assert rows[1][:2] == ["2026-11-02", "+0.25"]
    assert rows[1][3] == "+0.1 to no bound"


def test_interactions_beyond_chance_are_outlined_by_pair_of_factors() -> None:
    interactions = [
        Interaction(["cta", "tone"], ["a", "x"], 0.02, 0.01, 0.03, 90, "synergy"),
        Interaction(["cta", "tone"], ["a", "y"], -0.01, -0.03, 0.01, 90, None),
        Interaction(["cta", "size"], ["a", "l"], None, None, None, 0, None),
    ]

    (chart,) = model_charts.draw_interactions(
        interactions, "bool", is_less_better=False
    )

    assert list_rows(chart) == [["a", "+2 (beyond chance)", "\N{MINUS SIGN}1"]]
    assert chart.__html__().count("chart-marked") == 2
