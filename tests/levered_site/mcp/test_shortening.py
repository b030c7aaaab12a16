"""What a shortened answer keeps: its message, the state of the figures, and all keys."""

import random
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from levered_site.mcp import response_size, results_summary, shortening
from levered_site.mcp.tools import results
from metrics.stats import ShareCheck
from optimizations.models import Optimization
from optimizations.results.health import check_reasons
from tests.support import factories, traffic, value_metrics
from tests.support.factories import read_body
from tests.support.learning import train_model
from tests.support.optimization_factories import (
    make_config,
    make_optimization,
    make_organization,
)

LONG_REASON = (
    "the counts of this figure are not there yet, so it is withheld until then"
)


def pay(rng: random.Random, _variant: traffic.Json) -> traffic.Json:
    """Return a purchase of a random amount."""
    return {"value": rng.lognormvariate(3.0, 0.5)}


def send_visitors(optimization: Optimization, days_ago: int, rate: float) -> None:
    """Send a day of visitors who buy at a rate, whatever they see."""
    traffic.simulate_visitors(
        optimization,
        timezone.now() - timedelta(days=days_ago),
        1500,
        lambda _variant, _context: rate,
        seed=days_ago,
        purchase=pay,
    )


def read_arguments(document: dict[str, Any]) -> results.ResultsInput:
    """Return the arguments of a call for the summary."""
    arguments = {"optimization_id": UUID(document["optimization_id"])}
    return results.ResultsInput.model_validate(arguments)


@pytest.fixture
def document(transactional_db: None) -> dict[str, Any]:
    """Return the results of amounts whose model misses the holdout, without a cap yet."""
    organization = make_organization()
    metric = value_metrics.make_metric(organization, "numeric")
    optimization = make_optimization(
        organization,
        holdout_percentage=30,
        reward_metric_id=metric.pk,
        training_data_config=make_config(reward={"name": "spent", "type": "numeric"}),
    )
    send_visitors(optimization, 5, 0.2)
    train_model(optimization)
    send_visitors(optimization, 3, 0.6)
    api = factories.make_member_api(organization)
    return read_body(api.get(f"/optimizations/{optimization.pk}/results?refresh=true"))


def enlarge(document: dict[str, Any], rows: int) -> dict[str, Any]:
    """Return the document with long variants, many notes and many reasons more."""
    long_name = "headline " * rows
    variants = [
        row | {"variant": {"headline": long_name}} for row in document["variants"]
    ]
    unavailable = {f"figure{n}.value": f"{LONG_REASON} {n}" for n in range(rows)}
    return document | {
        "variants": variants,
        "notes": [f"On day {n} rows were changed in place." for n in range(rows)],
        "unavailable": document["unavailable"] | unavailable,
    }


def test_a_failing_health_near_and_far_above_the_limit_keeps_message_and_keys(
    document: dict[str, Any],
) -> None:
    arguments = read_arguments(document)
    assert document["health"]["reasons"], "the model misses the holdout"
    assert document["primary_metric_vs_holdout"]["companions"]

    for rows in (0, 20, 300, 3_000):  # near the limit, and ever further above it
        answer = results.build_summary(arguments, enlarge(document, rows))
        shortened = shortening.shorten_to_fit(answer)
        figures = shortened["figures"]

        assert not response_size.fits_in_result(answer)
        assert response_size.fits_in_result(shortened)
        assert shortened["summary"] == answer["summary"]
        assert shortened["next"] == answer["next"]
        assert figures["health"] == answer["figures"]["health"]
        assert figures.keys() == answer["figures"].keys()
        for name in ("measured", "checks", "modeled"):
            assert list_keys(figures[name]) == list_keys(answer["figures"][name])
        if rows:
            shown, total = len(figures["notes"]), f"{rows:,}"
            assert f"figures.notes has {shown} of {total}" in shortened["note"]


FAILED = ShareCheck(
    ok=False, share=0.2, limit=0.01, reason="20% of users were logged wrongly"
)


def test_many_failed_checks_shorten_the_list_of_reasons_but_no_sentence_or_key(
    document: dict[str, Any],
) -> None:
    checks = dict.fromkeys(
        ("arm_mismatch", "crossover", "disabled_variant", "unknown_policy_version"),
        FAILED,
    )
    reasons = [asdict(row) for row in check_reasons.describe_failed_checks(checks)]
    failing = document | {
        "health": document["health"]
        | {"status": "broken", "reasons": reasons + document["health"]["reasons"]},
        "checks": document["checks"]
        | {name: asdict(check) for name, check in checks.items()},
    }
    arguments = read_arguments(document)
    answer = results.build_summary(arguments, failing)

    shortened = shortening.shorten_to_fit(answer)

    assert response_size.fits_in_result(shortened)
    assert shortened["summary"] == answer["summary"]
    assert list_keys(shortened["figures"]["checks"]) == list_keys(
        answer["figures"]["checks"]
    )
    shown = shortened["figures"]["health"]["reasons"]
    assert shown == answer["figures"]["health"]["reasons"][: len(shown)]
    assert shown


def list_keys(value: Any, path: str = "") -> list[str]:
    """Return the path of every key in a document."""
    if not isinstance(value, dict):
        return [path]
    return [
        inner
        for key, item in value.items()
        for inner in list_keys(item, f"{path}.{key}")
    ]


def test_only_what_is_needed_is_left_out_and_its_number_is_true() -> None:
    rows = [{"number": number, "name": "short"} for number in range(1_000)]

    shortened = shortening.shorten_to_fit({"summary": "All rows.", "items": rows})

    shown = len(shortened["items"])
    assert f"items has {shown} of 1,000" in shortened["note"]
    longer = shortened | {"items": rows[: shown + 1]}
    assert not response_size.fits_in_result(longer)


def test_a_text_is_cut_once_and_gives_the_length_that_it_had() -> None:
    document = {"summary": "A query.", "details": {"sql": "x" * 50_000, "n": 1}}

    shortened = shortening.shorten_to_fit(document)

    assert shortened["details"]["sql"].endswith("x… (50,000 characters)")
    assert response_size.measure_size(shortened) > 0.99 * response_size.MAX_RESULT_BYTES
    assert shortened["details"]["n"] == 1


def test_both_ends_of_an_interval_stay() -> None:
    rows = [{"interval": [1.0, 2.0], "values": list(range(500))} for _ in range(50)]

    shortened = shortening.shorten_to_fit({"summary": "Rows.", "items": rows})

    assert shortened["items"]
    assert all(row["interval"] == [1.0, 2.0] for row in shortened["items"])


def test_reasons_that_fit_no_answer_are_counted_and_all_codes_are_told() -> None:
    reasons = [
        {"code": f"check_{n}", "message": f"Check {n} failed. " * 8, "next": "Look."}
        for n in range(60)
    ]
    judged = {"status": "broken", "reasons": reasons, "as_of": None}
    summary = results_summary.describe_health(judged)

    shortened = shortening.shorten_to_fit({"summary": summary, "health": judged})

    shown = len(shortened["health"]["reasons"])
    assert shown >= 3
    assert shortened["health"]["reasons"] == reasons[:shown]
    assert f"health.reasons has {shown} of 60" in shortened["note"]
    assert shortened["summary"] == summary
    assert all(reason["code"] in summary for reason in reasons[1:])


def test_reasons_of_one_object_that_are_the_same_are_told_once(
    document: dict[str, Any],
) -> None:
    reasons = results_summary.select_figures(document)["unavailable"]

    assert reasons["stats"] == document["unavailable"]["stats.best_variant"]
    companions = "primary_metric_vs_holdout.companions.capped_revenue"
    assert reasons[companions] == document["unavailable"][f"{companions}.lift_ci"]
    assert not any(field.startswith("stats.") for field in reasons)
