"""The panel of an optimization's admin page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from models_app import versions
from models_app.admin import html_tables
from optimizations.admin import optimization_panel
from optimizations.admin.tabs import variants
from optimizations.configuration import create_update
from optimizations.models import CountFailure, CubeDay, Optimization
from optimizations.results import guardrail_report, report, stored
from tests.support import (
    optimization_factories,
    result_visitors,
    traffic,
    unhealthy_worlds,
)
from tests.support.learning import train_model

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_first_figure_shows_the_anytime_interval() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization(), holdout_percentage=50
    )
    start = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, start, 1000, lambda *_: 0.3)
    stored.refresh_counts(optimization)

    figures = optimization_panel.build_panel(optimization).figures

    title, _, note = figures[0]
    assert title == "Measured lift"
    assert note.startswith("95 %, however often one looks: ")


def test_the_page_names_the_leader_or_says_why_it_does_not() -> None:
    optimization = result_visitors.make_visited_optimization()
    train_model(optimization)
    before = dict(_list_figures(optimization))
    number = int(before["Leader"][0].removeprefix("variant "))
    create_update.set_variant_enabled(optimization, number, SYSTEM_ACTOR, enabled=False)
    optimization.model.refresh_from_db()

    after = dict(_list_figures(optimization))
    table = variants.render_variant_results(report.build_results(optimization))

    assert number in {3, 4}
    assert before["Leader"][1].endswith("over the baseline")
    assert after["Leader"] == ("—", versions.VARIANTS_CHANGED)
    assert after["Estimated improvement"][1] == versions.VARIANTS_CHANGED
    assert versions.VARIANTS_CHANGED in table


def _list_figures(optimization: Optimization) -> list[tuple[str, tuple[str, str]]]:
    """Return the name of each figure with its value and its note."""
    figures = optimization_panel.build_panel(optimization).figures
    return [(name, (value, note)) for name, value, note in figures]


def test_the_page_shows_each_guardrail_with_interval_age_and_health() -> None:
    optimization, metric = unhealthy_worlds.make_violated_guardrail()
    (row,) = guardrail_report.build_guardrails(optimization).guardrails

    table = str(optimization_panel.build_panel(optimization).guardrails)

    assert row.lift_ci_anytime is not None
    assert row.as_of is not None
    assert metric.name in table
    assert ">violated</span>" in table
    assert ">warning</span>" in table
    assert (
        f"92\N{NO-BREAK SPACE}%: {row.lift_ci_anytime[0]:+.1f}\N{NO-BREAK SPACE}%"
        in table
    )
    assert f"{row.as_of:%Y-%m-%d %H:%M} UTC" in table
    assert "violated first on" in table


def test_a_guardrail_that_was_not_counted_says_why() -> None:
    optimization, metric = unhealthy_worlds.make_violated_guardrail()
    CubeDay.objects.filter(metric=metric).delete()
    CountFailure.objects.create(
        optimization=optimization,
        metric=metric,
        message="no such table",
        failed_at=timezone.now(),
    )

    table = str(optimization_panel.build_panel(optimization).guardrails)

    assert ">unknown</span>" in table
    assert "not counted: no such table" in table
    assert "not counted yet" in table


def test_a_page_without_guardrails_has_no_section() -> None:
    optimization = result_visitors.make_visited_optimization()

    assert optimization_panel.build_panel(optimization).guardrails == ""


def test_the_page_of_a_version_withholds_what_was_not_learned() -> None:
    optimization = result_visitors.make_visited_optimization()
    train_model(optimization)
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
