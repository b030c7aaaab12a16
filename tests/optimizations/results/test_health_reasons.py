"""What health says of each fault, in plain words with its figures, and what to do."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from metrics.stats import (
    BaselineSanity,
    DailySampleRatio,
    DeviatingDay,
    SampleRatio,
    ShareCheck,
)
from optimizations.results.checks.frequent_id import OneIdCheck
from optimizations.results.checks.logged_levels import LoggedValue, UnknownValueCheck
from optimizations.results.health import check_reasons, health, health_evidence
from optimizations.results.health.health import HealthReason

NOW = datetime(2026, 3, 28, 14, 0, tzinfo=UTC)
FAILED: dict[str, Any] = {
    "sample_ratio": SampleRatio(
        p_value=4e-37, ok=False, observed_share=0.0526, expected_share=0.1
    ),
    "sample_ratio_daily": DailySampleRatio(
        p_value=2e-9,
        ok=False,
        days=[DeviatingDay(date(2026, 3, 3), 750, 1 / 3, 0.5)],
    ),
    "arm_mismatch": ShareCheck(
        ok=False, share=0.02, limit=0.01, reason="2% of users were logged wrongly"
    ),
    "unknown_variant": UnknownValueCheck(
        ok=False,
        share=0.9,
        limit=0.02,
        reason="90% of users were logged with a variant that does not exist",
        examples=[LoggedValue(None, '{"h":"a"}', 9, '{"h":"A"}')],
    ),
    "unknown_context": UnknownValueCheck(
        ok=False,
        share=1.0,
        limit=0.05,
        reason="100% of users count as other",
        examples=[
            LoggedValue("device", "Mobile", 8, "mobile"),
            LoggedValue("device", "tv", 1, None),
        ],
    ),
    "crossover": ShareCheck(
        ok=False, share=0.07, limit=0.05, reason="7% of users saw another variant"
    ),
    "baseline_sanity": BaselineSanity(
        ok=False, z=-5.2, model_mean=0.1, holdout_mean=0.0, reason="it misses"
    ),
    "one_id": OneIdCheck(
        ok=False,
        share=0.12,
        limit=0.05,
        reason="12% have the same id",
        anonymous_id="secret-id",
    ),
    "maturity": ShareCheck(
        ok=False, share=0.1, limit=0.5, reason="10% of users are mature so far"
    ),
}


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        (
            "sample_ratio",
            "broken",
            (
                "5.26% of the users where 10% are expected from what each period holds "
                "out (p 4e-37)"
            ),
        ),
        (
            "sample_ratio_daily",
            "broken",
            "2026-03-03: 33.3% of 750 users where 50% are configured; p 2e-09",
        ),
        (
            "arm_mismatch",
            "broken",
            "2% of users were logged wrongly; at most 1% is normal",
        ),
        (
            "unknown_variant",
            "broken",
            (
                'at most 2% is normal. The commonest: “{"h":"a"}” (written “{"h":"A"}” in the '
                "configuration)."
            ),
        ),
        (
            "unknown_context",
            "warning",
            (
                "The commonest: “Mobile” of device (written “mobile” in the configuration), "
                "“tv” of device."
            ),
        ),
        (
            "crossover",
            "warning",
            "7% of users saw another variant; at most 5% is normal",
        ),
        ("baseline_sanity", "warning", "expects 0.1 per user of the baseline"),
        ("one_id", "warning", "12% have the same id; at most 5% is normal"),
    ],
)
def test_a_failed_check_is_a_reason_with_its_figures_and_a_next_step(
    name: str, status: str, text: str
) -> None:
    reasons = check_reasons.describe_failed_checks({name: FAILED[name]})

    (reason,) = reasons
    assert reason.code == name
    assert text in reason.message
    assert reason.next.endswith(".")
    assert health.judge_health(reasons, NOW).status == status


def test_maturity_and_checks_that_cannot_tell_are_no_fault() -> None:
    unknown = OneIdCheck(ok=None, share=None, limit=0.05, reason="too few")

    reasons = check_reasons.describe_failed_checks(
        {"maturity": FAILED["maturity"], "one_id": unknown, "baseline_sanity": None}
    )

    assert reasons == []
    assert health.judge_health(reasons, NOW) == health.Health("ok", [], NOW)


def test_broken_reasons_come_first_and_no_id_of_a_person_is_named() -> None:
    failed = dict(reversed(FAILED.items())) | {"sample_ratio_daily": None}
    reasons = check_reasons.describe_failed_checks(failed)

    judged = health.judge_health(reversed(reasons), NOW)

    assert judged.status == "broken"
    codes = [reason.code for reason in judged.reasons]
    assert set(codes[:3]) == set(health.BROKEN_CODES) - {"sample_ratio_daily"}
    assert len(codes) == 7
    assert "secret-id" not in str(judged)


def test_a_split_that_is_wrong_in_total_is_one_reason() -> None:
    names = ("sample_ratio", "sample_ratio_daily")

    reasons = check_reasons.describe_failed_checks(
        {name: FAILED[name] for name in names}
    )

    assert [reason.code for reason in reasons] == ["sample_ratio"]


def test_a_p_value_too_small_for_a_number_is_not_zero() -> None:
    check = SampleRatio(p_value=0.0, ok=False, observed_share=0.0, expected_share=0.5)

    (reason,) = check_reasons.describe_failed_checks({"sample_ratio": check})

    assert "(p below 1e-100)" in reason.message


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ([HealthReason("sample_ratio", "", "")], True),
        ([HealthReason("guardrail_violated", "", "")], True),
        ([HealthReason("baseline_sanity", "", "")], True),
        ([HealthReason("not_counted", "", ""), HealthReason("age", "", "")], True),
        ([], False),
    ],
)
def test_whatever_speaks_against_the_figures_needs_a_confirmation(
    reasons: list[HealthReason], *, expected: bool
) -> None:
    judged = health.judge_health(reasons, NOW)

    assert health.needs_confirmation(judged) is expected


@pytest.mark.parametrize(
    ("counted_hours_ago", "live_hours", "retrain_minutes", "ok"),
    [
        (23, 500, 60, True),
        (25, 500, 60, False),
        (25, 500, 1440, True),
        (73, 500, 1440, False),
        (None, 2, 60, True),
        (None, 30, 60, False),
        (500, None, 60, None),
    ],
)
def test_counts_are_old_after_a_day_or_three_missed_trainings(
    counted_hours_ago: int | None,
    live_hours: int | None,
    retrain_minutes: int,
    *,
    ok: bool | None,
) -> None:
    as_of, live_since = (
        None if hours is None else NOW - timedelta(hours=hours)
        for hours in (counted_hours_ago, live_hours)
    )

    check = health.check_age(as_of, live_since, NOW, retrain_minutes)

    assert check.ok is ok
    assert [reason.code for reason in health.describe_age(check)] == (
        ["age"] if ok is False else []
    )


def test_what_to_do_next_names_no_field_of_results_to_staff() -> None:
    fields = {"anonymous_id", "policy_version"}  # of events and of serve's answer
    for name, text in check_reasons.CHECK_TEXTS.items():
        named = set(re.findall(r"[a-z]+_[a-z_]+", text.next)) - fields
        # one_id names no id itself: its sentence says where the results have it.
        assert name == health_evidence.ONE_ID or not named, name
