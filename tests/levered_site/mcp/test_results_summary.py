"""The sentence and the figures of a results summary."""

from typing import Any

import pytest

from levered_site.mcp import results_summary
from optimizations.results.reasons import NO_DIFFERENCE

MEASURED = {
    "metric_name": "Signup",
    "lift_percent": 12.34,
    "lift_ci": [3.0, 22.0],
    "lift_ci_anytime": [-1.26, 26.0],
    "optimization_exposures": 900,
    "holdout_exposures": 100,
    "regimes": [],
}


def build_results(measured: Any = None, **changes: Any) -> dict[str, Any]:
    """Return a results document."""
    results = {
        "as_of": None,
        "health": {"status": "ok", "reasons": [], "as_of": None},
        "notes": [],
        "stats": {},
        "primary_metric_vs_holdout": measured,
        "worth": {"users": 900, "extra": 12.5, "amount": None, "unavailable": {}},
        "even_split": {"users": 800, "extra": None, "extra_interval": [-3.0, 9.0]},
        "checks": {"sample_ratio": {"ok": True}, "baseline_sanity": None},
        "variants": [],
        "unavailable": {},
    }
    return results | changes


def test_the_lift_comes_with_its_anytime_interval() -> None:
    assert results_summary.describe_lift(build_results(MEASURED)) == (
        "Signup: measured lift +12.3% over the holdout, -1.3% to +26.0% (95% at any "
        "number of looks), 1000 users"
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"lift_ci_anytime": None}, "+3.0% to +22.0% (95% at one look)"),
        ({"lift_ci_anytime": None, "lift_ci": None}, "interval withheld"),
    ],
)
def test_without_an_anytime_interval_the_sentence_says_which_one_it_gives(
    changes: Any, text: str
) -> None:
    assert text in results_summary.describe_lift(build_results(MEASURED | changes))


def test_a_withheld_lift_gives_its_reason_and_no_number() -> None:
    reasons = {"primary_metric_vs_holdout.lift_percent": "100 users are needed"}

    sentence = results_summary.describe_lift(
        build_results(MEASURED | {"lift_percent": None}, unavailable=reasons)
    )

    assert sentence == "No measured lift yet: 100 users are needed"


def test_a_broken_health_comes_first_and_the_check_is_shown_in_full() -> None:
    failed = {"ok": False, "p_value": 1e-9}
    reason = {"code": "sample_ratio", "message": "Users are lost.", "next": "Look."}
    results = build_results(
        MEASURED,
        checks={"sample_ratio": failed, "maturity": {"ok": True}},
        health={"status": "broken", "reasons": [reason], "as_of": None},
    )

    assert results_summary.describe_lift(results).startswith(
        "The figures cannot be trusted: Users are lost. Signup: measured lift"
    )
    assert results_summary.select_figures(results)["health"]["reasons"] == [reason]
    assert results_summary.select_figures(results)["checks"] == {
        "sample_ratio": failed,
        "maturity": "ok",
    }


def test_the_worth_has_the_figures_that_there_are() -> None:
    figures = results_summary.select_figures(build_results(MEASURED))

    assert figures["worth"] == {"users": 900, "extra": 12.5}
    assert figures["even_split"] == {"users": 800, "extra_interval": [-3.0, 9.0]}


def test_many_reasons_are_told_by_the_first_message_and_the_codes_of_the_others() -> (
    None
):
    reasons = [
        {
            "code": f"check_{n}",
            "message": f"{n} is wrong{' and so on' * 12}.",
            "next": "",
        }
        for n in range(3)
    ]

    sentence = results_summary.describe_health({"status": "broken", "reasons": reasons})

    assert sentence == (
        f"The figures cannot be trusted: {reasons[0]['message']} And 2 more in "
        "figures.health (whole in view: regimes): check_1, check_2. "
    )


@pytest.mark.parametrize(
    ("number", "percent", "reasons", "sentence"),
    [
        (3, 12.34, {}, "variant 3 leads by the model, +12.3% over the baseline"),
        (
            1,
            None,
            {"stats.best_vs_baseline_percent": "the baseline leads"},
            "variant 1 leads by the model (the baseline leads)",
        ),
        (
            2,
            None,
            {"stats.best_vs_baseline_percent": NO_DIFFERENCE},
            f"variant 2 leads by the model ({NO_DIFFERENCE})",
        ),
        (
            None,
            None,
            {"stats.best_variant": "variants changed"},
            "no leader: variants changed",
        ),
    ],
)
def test_the_summary_names_the_leader_or_says_why_it_does_not(
    number: int | None, percent: float | None, reasons: dict[str, str], sentence: str
) -> None:
    stats = {"best_variant": number, "best_vs_baseline_percent": percent}

    assert results_summary.describe_leader(stats, reasons) == sentence


PROVEN = MEASURED | {
    "metric_name": "Revenue",
    "lift_percent": None,
    "lift_ci": None,
    "lift_ci_anytime": None,
    "difference": 2.345,
    "difference_ci_anytime": [1.1, None],
    "p_value_anytime": 0.001,
}


def test_a_difference_without_a_percentage_is_told_with_its_interval() -> None:
    reasons = {"primary_metric_vs_holdout.lift_percent": "the holdout loses money"}

    sentence = results_summary.describe_lift(build_results(PROVEN, unavailable=reasons))

    assert sentence == (
        "Revenue: measured difference +2.345 per user against the holdout, +1.1 to no "
        "bound (95% at any number of looks), 1000 users; no percentage: the holdout loses "
        "money"
    )


def test_a_difference_without_bounds_is_told_with_the_reason_for_it() -> None:
    reasons = {
        "primary_metric_vs_holdout.lift_percent": "the holdout is not above zero",
        "primary_metric_vs_holdout.difference_ci_anytime": "too few payments",
    }
    measured = PROVEN | {"difference_ci_anytime": None}

    sentence = results_summary.describe_lift(
        build_results(measured, unavailable=reasons)
    )

    assert sentence == (
        "Revenue: measured difference +2.345 per user against the holdout, interval "
        "withheld (too few payments), 1000 users; no percentage: the holdout is not "
        "above zero"
    )


def build_companion(lift: float | None, interval: Any) -> dict[str, Any]:
    return {
        "lift_percent": lift,
        "lift_ci": interval,
        "lift_ci_anytime": interval,
        "level": 1 - 0.05 / 3,
    }


def test_changed_revenue_is_told_by_the_companions_that_show_it() -> None:
    amounts = {
        "companions": {
            "capped_revenue": build_companion(40.0, [-2.0, 90.0]),
            "payer_rate": build_companion(95.0, [60.0, 138.0]),
            "typical_payment": build_companion(None, None),
        },
        "cap": 56.23,
        "changed": {"p_value": 1e-6, "p_value_anytime": 1e-4},
    }

    sentence = results_summary.describe_lift(build_results(MEASURED | amounts))
    unchanged = amounts | {"changed": {"p_value": 0.04, "p_value_anytime": 0.3}}

    assert sentence.endswith(
        ". Revenue has changed: share of users who paid +95.0% (+60.0% to +138.0%) "
        "(each interval 98.3% at any number of looks)"
    )
    plain = results_summary.describe_lift(build_results(MEASURED | unchanged))
    assert "Revenue has changed" not in plain
