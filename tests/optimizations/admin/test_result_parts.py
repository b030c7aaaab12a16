"""The parts of the tab Results: health list, figures, who gets what, guardrails."""

from dataclasses import replace

import pytest
from django.http import HttpRequest
from django.utils import timezone

from levered_site.number_texts import format_percent
from levered_site.organizations.actors import SYSTEM_ACTOR
from metrics.stats.balance import SampleRatio
from metrics.stats.checks import ShareCheck
from models_app import versions
from models_app.admin import html_tables
from models_app.models import PolicyVersion
from optimizations.admin import guardrail_section, model_charts
from optimizations.admin.result_page import (
    allocation_map,
    evidence,
    figures,
    health_list,
    personalization,
    segments,
)
from optimizations.admin.result_page.figures import Figure
from optimizations.admin.result_page.wording import MetricWords
from optimizations.admin.tabs import results as results_tab
from optimizations.admin.variant_page import page as variant_page
from optimizations.configuration import create_update
from optimizations.models import CountFailure, CubeDay, Optimization
from optimizations.results.health.health import (
    NOT_COMPARABLE,
    NOT_JUDGED,
    Health,
    HealthReason,
)
from optimizations.results.readings import full_results, guardrail_report, report
from optimizations.results.readings.even_split import EvenSplit
from optimizations.results.readings.full_results import FullResults
from optimizations.results.reasons import NO_DIFFERENCE, NOT_IN_REPORT
from tests.support import optimization_factories, result_visitors, unhealthy_worlds

with_data = pytest.mark.django_db(transaction=True)
SPACE, JOINER = "\N{NO-BREAK SPACE}", "\N{WORD JOINER}"
HEALTHY = Health("ok", [], None)


def build_figures(optimization: Optimization, full: FullResults) -> dict[str, Figure]:
    """Return the four figures by their titles."""
    metric = evidence.describe_metric(optimization.reward_metric)
    assert metric is not None
    listed = figures.build_figures(full.results, full.progress, metric)
    return {figure.title: figure for figure in listed}


def test_what_is_wrong_comes_first_with_what_to_do() -> None:
    reason = HealthReason("age", "The figures are old.", "Count again.")
    checks = {
        "sample_ratio": SampleRatio(
            0.4, ok=True, observed_share=0.1, expected_share=0.1
        ),
        "maturity": ShareCheck(ok=True, share=1.0, limit=0.5, reason=None),
        "crossover": ShareCheck(ok=True, share=0.0, limit=0.05, reason=None),
        "arm_mismatch": ShareCheck(ok=True, share=0.0, limit=0.01, reason=None),
        "age": None,
    }

    items = health_list.list_health(Health("warning", [reason], None), checks, ())

    assert [item.text for item in items] == [
        "The figures are old",
        f"Split as configured: 10.00{SPACE}% held out of 10.00{SPACE}%",
        f"100{SPACE}% of users have had their time to convert",
        "Nobody changed arms",
        "1 more check passes",
    ]
    assert (items[0].detail, items[0].next_step) == (reason.message, reason.next)
    assert [item.state for item in items] == ["watch", "ok", "ok", "ok", "ok"]


@with_data
def test_the_figures_have_their_intervals_and_say_what_is_modeled() -> None:
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    full = full_results.load_full_results(optimization)

    by_title = build_figures(optimization, full)

    extra = by_title["Extra conversions so far"]
    assert full.results.worth.extra is not None
    assert extra.value == f"{full.results.worth.extra:+,.0f}"
    assert extra.note.startswith("95% sure, at every look: between ")
    saved = by_title[figures.SAVED]
    assert (saved.value, saved.mark) == ("—", "modeled")  # all were served evenly
    assert saved.note.startswith(f"{NO_DIFFERENCE} (between ")
    assert by_title["Users"].value == "1,000"


@with_data
def test_a_metric_with_a_value_shows_money() -> None:
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    full = full_results.load_full_results(optimization)
    worth = replace(
        full.results.worth,
        extra=623.0,
        extra_ci_anytime=(11.0, 1174.0),
        amount=12_460.0,
        amount_ci_anytime=(220.0, 23_480.0),
        currency="EUR",
    )
    split = EvenSplit(9000, 340.0, (120.0, 560.0), 6_800.0, (2_400.0, 11_200.0), "EUR")
    priced = replace(full, results=replace(full.results, worth=worth, even_split=split))

    money = build_figures(optimization, priced)["Earned so far"]

    assert money.value == f"+{JOINER}€12,460"
    assert optimization.reward_metric is not None
    saved = build_figures(optimization, priced)[figures.SAVED]
    assert saved.value == f"+{JOINER}€6,800"
    assert saved.note == (
        f"+340 of “{optimization.reward_metric.name}”; "
        f"95% sure: between +{JOINER}€2,400 and +{JOINER}€11,200, of 9,000 users served"
    )
    assert money.note == (
        f"+623 of “{optimization.reward_metric.name}”; "
        "95% sure, at every look: between "
        f"+{JOINER}€220 and +{JOINER}€23,480"
    )


@with_data
def test_variants_are_named_in_the_order_of_the_factors() -> None:
    names = ("headline", "columns", "plan")  # Postgres would begin with the shortest
    design = [
        {"name": name, "dtype": "str", "levels": [f"{name} 1", f"{name} 2"]}
        for name in names
    ]
    config = optimization_factories.make_config(design_factors=design)
    optimization = optimization_factories.make_live_optimization(
        training_data_config=config
    )

    last = report.build_results(optimization).variants[-1]

    assert list(last.variant) == list(names)
    assert model_charts.name_variant(last) == "8 headline 2 · columns 2 · plan 2"


@with_data
def test_conversions_are_whole_numbers_however_few() -> None:
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    full = full_results.load_full_results(optimization)
    worth = replace(full.results.worth, extra=0.3, extra_ci_anytime=(-4.91, 93.2))
    split = EvenSplit(900, -27.4, (-38.2, -3.6), None, None, None)
    few = replace(full, results=replace(full.results, worth=worth, even_split=split))
    refunds = MetricWords("Refund", "bool", is_less_better=True)

    extra = build_figures(optimization, few)["Extra conversions so far"]
    listed = figures.build_figures(few.results, few.progress, refunds)

    fewer = next(figure for figure in listed if figure.title == figures.CHANGED)
    minus = "\N{MINUS SIGN}"
    assert fewer.value == f"{minus}27"
    assert fewer.note == (
        f"95% sure: between {minus}38 and {minus}4, of 900 users served"
    )
    assert extra.value == "0"
    assert extra.note.endswith(": between \N{MINUS SIGN}5 and +93")


@with_data
def test_a_broken_split_withholds_every_figure_of_the_lift() -> None:
    optimization = unhealthy_worlds.make_broken_split()
    full = full_results.load_full_results(optimization)

    by_title = build_figures(optimization, full)
    drawn = segments.draw_segments(full.results, is_less_better=False).__html__()

    withheld = [figure for figure in by_title.values() if figure.value == "—"]
    assert len(withheld) == 3
    assert {figure.note for figure in withheld} == {figures.BROKEN}
    assert "<svg" not in drawn
    beliefs = model_charts.draw_beliefs(
        full.results, "bool", is_less_better=False
    ).__html__()
    assert "<svg" not in beliefs
    assert f"Withheld: {NOT_COMPARABLE}." in beliefs
    assert "Withheld: the arms cannot be compared, so what the model learned" in beliefs
    results = full.results
    items = health_list.list_health(results.health, results.checks, ())
    (judged,) = [item for item in items if "model" in item.text.lower()]
    assert (judged.state, NOT_JUDGED in judged.text) == ("open", True)
    assert segments.describe_model_lift(full.results) == ""
    assert evidence.describe_leader(full.results) == ""
    assert personalization.describe_personalization(full.results) == ""


@with_data
def test_a_report_of_an_earlier_version_says_what_the_next_training_computes() -> None:
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    version = versions.get_serving_version(optimization.model)
    newer = {"even_split", "personalization_percent", "interactions"}
    older = {k: v for k, v in (version.report or {}).items() if k not in newer}
    PolicyVersion.objects.filter(pk=version.pk).update(report=older)

    full = full_results.load_full_results(optimization)

    results, soon = full.results, f"Computed{NOT_IN_REPORT.removeprefix('computed')}."
    assert build_figures(optimization, full)[figures.SAVED].note == NOT_IN_REPORT
    assert personalization.build_personalization(results).note == NOT_IN_REPORT
    assert personalization.describe_personalization(results) == (
        f"What choosing by context is worth is {NOT_IN_REPORT}."
    )
    assert model_charts.explain_no_interactions(results) == soon


@with_data
def test_who_gets_what_adds_up_and_leads_to_receipts() -> None:
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    full = full_results.load_full_results(optimization)

    drawn = allocation_map.build_allocation_map(optimization, full.allocation)

    assert drawn is not None
    assert drawn.context == "device"
    assert {row.name for row in drawn.rows} == {"mobile", "desktop"}
    assert sum(row.users for row in drawn.rows) == 1000
    for row in full.allocation:
        assert sum(row.shares.values()) == pytest.approx(1)
    (largest,) = {cell.url for cell in drawn.rows[0].cells if cell.is_largest}
    assert f"/{optimization.pk}/decisions/?variant=" in largest
    assert "variant=" in largest
    assert "context=%7B%22device%22" in largest


@with_data
def test_the_page_names_the_leader_or_says_why_it_does_not() -> None:
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    before = full_results.load_full_results(optimization)
    number = before.results.stats.best_variant
    assert number in {3, 4}
    create_update.set_variant_enabled(optimization, number, SYSTEM_ACTOR, enabled=False)
    optimization.model.refresh_from_db()

    after = full_results.load_full_results(optimization)
    withheld = variant_page.list_withheld(report.build_results(optimization))

    assert f"(no. {number}) leads" in evidence.describe_leader(before.results)
    assert evidence.describe_leader(after.results) == ""
    saved = build_figures(optimization, after)[figures.SAVED]
    assert saved == build_figures(optimization, before)[figures.SAVED]
    assert withheld == [versions.VARIANTS_CHANGED]


@with_data
def test_the_page_shows_each_guardrail_with_interval_and_age() -> None:
    optimization, metric = unhealthy_worlds.make_violated_guardrail()
    listed = guardrail_report.build_guardrails(optimization)
    (row,) = listed.guardrails

    table = str(guardrail_section.render_guardrails(listed))

    assert row.lift_ci_anytime is not None
    assert row.as_of is not None
    assert metric.name in table
    assert ">violated</span>" in table
    assert f"92{SPACE}%: {format_percent(row.lift_ci_anytime[0], signed=True)}" in table
    assert f"{row.as_of:%Y-%m-%d %H:%M} UTC" in table
    assert "violated first on" in table


@with_data
def test_a_guardrail_that_was_not_counted_says_why() -> None:
    optimization, metric = unhealthy_worlds.make_violated_guardrail()
    CubeDay.objects.filter(metric=metric).delete()
    CountFailure.objects.create(
        optimization=optimization,
        metric=metric,
        message="no such table",
        failed_at=timezone.now(),
    )

    listed = guardrail_report.build_guardrails(optimization)
    table = str(guardrail_section.render_guardrails(listed))

    assert ">unknown</span>" in table
    assert "not counted: no such table" in table
    assert "not counted yet" in table


@with_data
def test_a_page_without_guardrails_has_no_section() -> None:
    optimization = result_visitors.make_visited_optimization()
    listed = guardrail_report.build_guardrails(optimization)

    assert guardrail_section.render_guardrails(listed) == ""


@with_data
def test_the_page_of_a_version_withholds_what_was_not_learned() -> None:
    optimization = result_visitors.train_and_return(
        result_visitors.make_visited_optimization()
    )
    learned = versions.get_serving_version(optimization.model)
    create_update.set_variant_enabled(optimization, 4, SYSTEM_ACTOR, enabled=False)
    optimization.model.refresh_from_db()
    changed = versions.get_serving_version(optimization.model)

    assert versions.VARIANTS_CHANGED not in html_tables.render_report(learned)
    assert versions.VARIANTS_CHANGED in html_tables.render_report(changed)
    assert changed.report is not None
    changed.report["distrusted"] = "the model misses the holdout"
    page = html_tables.render_report(changed)
    assert "the model misses the holdout" in page
    assert page.count("—") == 4 * 4


@with_data
def test_the_verdict_of_a_violated_guardrail_names_it() -> None:
    optimization, metric = unhealthy_worlds.make_violated_guardrail()

    context = results_tab.build_context(HttpRequest(), optimization)

    assert context["verdict"].title == f"A guardrail suffers: {metric.name}"
    assert any(item.state == "bad" for item in context["health_items"])
