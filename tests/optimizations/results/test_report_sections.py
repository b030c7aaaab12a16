"""The report document, as scripts read that format its numbers without asking for nulls."""

from typing import Any

import pytest

from optimizations.models import Optimization
from tests.support.factories import read_body
from tests.support.optimization_factories import (
    make_config,
    make_factor,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)

pytestmark = pytest.mark.django_db(transaction=True)


def make_draft() -> Optimization:
    """Make a draft."""
    return make_optimization(make_organization(), status="draft")


def make_unvisited() -> Optimization:
    """Make a live optimization that nobody has seen."""
    return make_optimization(make_organization())


def make_trained() -> Optimization:
    """Make a trained optimization with a difference that is shown."""
    return train_and_return(make_visited_optimization())


STATES = (make_draft, make_unvisited, make_visited_optimization, make_trained)


def read_report(optimization: Optimization, refresh: str = "true") -> dict[str, Any]:
    """Return the report document."""
    path = f"/optimizations/{optimization.pk}/report-data?refresh={refresh}"
    return read_body(make_member_api(optimization).get(path))


def format_report(report: dict[str, Any]) -> list[str]:
    """Return lines of a report, each number formatted as it comes."""
    results = report["results"]
    lines = []
    if measured := results["primary_metric_vs_holdout"]:
        low, high = measured["lift_ci"]
        lines.append(
            f"{measured['optimization_rate']:.4g} of "
            f"{measured['optimization_exposures']:d} against "
            f"{measured['holdout_rate']:.4g} of {measured['holdout_exposures']:d}: "
            f"{measured['lift_percent']:+.1f}% [{low:.1f}, {high:.1f}] "
            f"p={measured['p_value']:.3g}"
        )
    if stats := results["stats"]:
        for name in ("estimated_improvement", "best_vs_baseline"):
            low, high = stats[f"{name}_interval"]
            lines.append(f"{stats[f'{name}_percent']:+.1f}% [{low:.1f}, {high:.1f}]")
        lines.append(f"{stats['estimated_progress']:.0%}")
    lines += [
        f"{row['number']:d} {row['exposures']:d} {row['rate']:.4g} {row['weight']:.1%} "
        f"{row['expected_reward_mean']:.4g} [{row['expected_reward_lo']:.4g}, "
        f"{row['expected_reward_hi']:.4g}] {row['prob_best']:.3f}"
        for row in results["variants"] or ()
    ]
    importance = [*(results["factor_importance"] or ())]
    importance += filter(None, [results["interaction_importance"]])
    lines += [
        f"{row['mean']:.3f} ({row['q1']:.3f} to {row['q3']:.3f})" for row in importance
    ]
    lines += [
        f"{day['date']} {arm} {day[arm]['exposures']:d} "
        f"{day[arm]['rewardsValueSum']:.2f} {day[arm]['rewardsValueSumSq']:.2f}"
        for metric in report["holdout_daily"]["metrics"]
        for day in metric["daily"]
        for arm in ("holdout", "levered")
    ]
    weights = {row["key"]: row["weight"] for row in report["outcome_mix"]["outcomes"]}
    lines += [
        f"{name} {row['context'][name]:>10} {row['users']:d} "
        f"{weights.get(row['outcome_key'], 0):g}"
        for name in report["outcome_mix"]["context_factors"]
        for row in report["outcome_mix"]["rows"]
    ]
    return lines


@pytest.mark.parametrize("make", STATES)
def test_every_number_of_a_report_can_be_formatted(make: Any) -> None:
    report = read_report(make())

    format_report(report)

    results = report["results"]
    for section in ("stats", "primary_metric_vs_holdout", "variants"):
        assert (results[section] is None) == (section in results["unavailable"])


def test_the_sections_of_a_trained_optimization_are_those_of_the_results() -> None:
    optimization = make_trained()
    path = f"/optimizations/{optimization.pk}/results"

    report = read_report(optimization, refresh="false")["results"]
    results = read_body(make_member_api(optimization).get(path))

    assert report["primary_metric_vs_holdout"] == results["primary_metric_vs_holdout"]
    assert report["variants"] == results["variants"]
    assert report["stats"] == results["stats"]


def test_a_null_section_names_why_its_first_figure_is_withheld() -> None:
    results = read_report(make_visited_optimization())["results"]

    assert results["stats"] is results["variants"] is None
    reasons = results["unavailable"]
    assert reasons["stats"] == reasons["stats.estimated_improvement_percent"]
    assert reasons["variants"] == reasons["variants.prob_best"]
    assert results["primary_metric_vs_holdout"]["lift_percent"] is not None


def test_the_outcome_mix_names_its_context_factors_in_order() -> None:
    config = make_config(
        context_factors=[make_factor("plan", "pro"), make_factor("device", "mobile")]
    )
    optimization = make_optimization(make_organization(), training_data_config=config)
    plain = make_optimization(
        make_organization(), training_data_config=make_config(context_factors=[])
    )
    path = f"/optimizations/{optimization.pk}/outcome-mix"

    page = read_body(make_member_api(optimization).get(path))

    assert page["context_factors"] == ["plan", "device"]
    mix = read_report(optimization)["outcome_mix"]
    assert mix["context_factors"] == ["plan", "device"]
    assert read_report(plain)["outcome_mix"]["context_factors"] == []
