"""The sentence and the figures of a results summary."""

from typing import Any

import pytest

from levered_site.mcp import results_summary

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
