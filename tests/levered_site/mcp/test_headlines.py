"""What the summary of results says in a sentence."""

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


def document(measured: Any = None, **changes: Any) -> dict[str, Any]:
    """Write a results document."""
    whole = {
        "as_of": None,
        "stats": {},
        "primary_metric_vs_holdout": measured,
        "checks": {"sample_ratio": {"ok": True}, "baseline_sanity": None},
        "variants": [],
        "unavailable": {},
    }
    return whole | changes


def test_a_lift_comes_with_the_interval_that_bears_many_looks() -> None:
    assert results_summary.describe_lift(document(MEASURED)) == (
        "Signup: measured lift +12.3% over the holdout, -1.3% to +26.0% (95% at any "
        "number of looks), 1000 users"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lift_ci_anytime": None}, "+3.0% to +22.0% (95% at one look)"),
        ({"lift_ci_anytime": None, "lift_ci": None}, "its interval withheld"),
    ],
)
def test_another_interval_says_what_it_is(changes: Any, words: str) -> None:
    assert words in results_summary.describe_lift(document(MEASURED | changes))


def test_a_withheld_lift_is_its_reason_and_no_number() -> None:
    why = {"primary_metric_vs_holdout.lift_percent": "100 users are needed"}

    said = results_summary.describe_lift(
        document(MEASURED | {"lift_percent": None}, unavailable=why)
    )

    assert said == "No measured lift yet: 100 users are needed"


def test_a_check_that_fails_is_said_first_and_shown_whole() -> None:
    failed = {"ok": False, "p_value": 1e-9}
    found = document(
        MEASURED, checks={"sample_ratio": failed, "maturity": {"ok": True}}
    )

    assert results_summary.describe_lift(found).startswith(
        "Checks that are not ok: sample_ratio. "
    )
    assert results_summary.select_figures(found)["checks"] == {
        "sample_ratio": failed,
        "maturity": "ok",
    }
