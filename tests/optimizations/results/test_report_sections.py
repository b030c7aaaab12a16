"""The report document, as scripts read that format its numbers without asking for nulls."""

from dataclasses import replace
from typing import Any

import pytest

from optimizations.models import Optimization
from optimizations.results.readings import report, report_sections
from optimizations.results.readings.model_effects import Interaction
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


NO_PAIR = Interaction(["a", "b"], ["1", "1"], None, None, None, 10, None)
PAIR = Interaction(["a", "c"], ["1", "2"], 0.1, -0.1, 0.3, 900, None)


@pytest.mark.parametrize("rows", [[NO_PAIR, PAIR], [PAIR, NO_PAIR, NO_PAIR], [NO_PAIR]])
def test_a_pair_without_its_numbers_is_left_out_with_the_reason(
    rows: list[Interaction],
) -> None:
    reasons = {
        f"interactions[{place}].{name}": "too few" if row is NO_PAIR else "includes 0"
        for place, row in enumerate(rows)
        for name in ("deviation", "lo", "hi", "kind")
        if row is NO_PAIR or name == "kind"
    }
    results = replace(
        report.build_results(make_draft()), interactions=rows, unavailable=reasons
    )

    document = report_sections.build_report_results(results)

    found = {
        name: reason
        for name, reason in document["unavailable"].items()
        if name.startswith("interactions")
    }
    left_out = rows.count(NO_PAIR)
    known = {"interactions[0].kind": "includes 0"} if PAIR in rows else {}
    assert document["interactions"] == ([PAIR] if PAIR in rows else None)
    assert found == known | {
        "interactions": f"{left_out} of {len(rows)} are left out: too few"
    }


def test_pairs_with_their_numbers_stay_as_they_are() -> None:
    results = replace(report.build_results(make_draft()), interactions=[PAIR, PAIR])

    document = report_sections.build_report_results(results)

    assert document["interactions"] == [PAIR, PAIR]
    assert document["unavailable"].get("interactions") == results.unavailable.get(
        "interactions"
    )
