"""The verdict: each case, and what takes precedence over what."""

from dataclasses import replace
from typing import Any

import pytest

from optimizations.admin.result_page import verdict
from optimizations.admin.result_page.health_list import list_health
from optimizations.admin.result_page.verdict import Evidence
from optimizations.admin.result_page.wording import MetricWords
from optimizations.results.health.health import Health, HealthReason
from optimizations.results.health.missing_counts import UNCOUNTED_REASON
from tests.support.measured_lifts import build_lift

SPACE = "\N{NO-BREAK SPACE}"
HEALTHY = Health("ok", [], None)
SPLIT = HealthReason("sample_ratio", "The holdout has 13%.", "Send exposures.")
OLD = HealthReason("age", "The figures are old.", "Count again.")
HARM = HealthReason("guardrail_violated", "Refunds doubled.", "Weigh this harm.")


def build_evidence(**changes: Any) -> Evidence:
    """Return the evidence of a live optimization that works, but for the changes."""
    evidence = Evidence(
        status="live",
        metric=MetricWords("Purchase", "bool", is_less_better=False),
        holdout_percentage=10.0,
        is_counted=True,
        measured=build_lift(),
        health=HEALTHY,
        violated=(),
        leader="“reviews · Pay now” (no. 5) leads, best with 30% by the model.",
        days_to_decision=None,
        no_forecast="",
        reasons={},
    )
    return replace(evidence, **changes)


def test_it_works_in_two_sentences_and_the_next_step_is_to_ship() -> None:
    judged = verdict.judge(build_evidence())

    assert judged.kind == "works"
    assert judged.title == f"It works: optimized visitors convert 16{SPACE}% more often"
    assert judged.sentences == (
        (
            f"Of the optimized visitors 9.66{SPACE}% did “Purchase”, of the holdout "
            f"8.34{SPACE}%; 95% sure, at every look: between +0.2{SPACE}% and "
            f"+34.0{SPACE}%."
        ),
        "“reviews · Pay now” (no. 5) leads, best with 30% by the model.",
    )
    assert judged.next_step is not None
    assert judged.next_step.action == "ship"
    assert judged.tone == "good"


def test_the_next_step_withdraws_itself_when_the_health_fails() -> None:
    judged = verdict.judge(build_evidence(health=Health("warning", [OLD], None)))

    assert judged.kind == "works"
    assert judged.next_step is not None
    assert judged.next_step.action == ""
    assert judged.next_step.text.endswith("Count again.")


def test_it_hurts_where_the_interval_lies_below_zero() -> None:
    worse = build_lift(lift_percent=-8.4, lift_ci_anytime=(-15.0, -1.0))

    judged = verdict.judge(build_evidence(measured=worse))

    assert judged.kind == "hurts"
    assert (
        judged.title == f"It hurts: optimized visitors convert 8.4{SPACE}% less often"
    )
    assert judged.next_step is not None
    assert judged.next_step.action == "pause"
    assert judged.tone == "bad"


@pytest.mark.parametrize(
    ("limits", "kind", "words"),
    [((-20.0, -3.0), "works", "less often"), ((3.0, 20.0), "hurts", "more often")],
)
def test_less_of_a_bad_thing_works(
    limits: tuple[float, float], kind: str, words: str
) -> None:
    metric = MetricWords("Refunds", "bool", is_less_better=True)
    measured = build_lift(lift_percent=sum(limits) / 2, lift_ci_anytime=limits)

    judged = verdict.judge(build_evidence(metric=metric, measured=measured))

    assert judged.kind == kind
    assert "“Refunds” happens 12" in judged.title
    assert words in judged.title


@pytest.mark.parametrize(
    ("days", "no_forecast", "text"),
    [
        (12, "", "Wait: a decision is expected in about 12 days."),
        (1, "", "Wait: a decision is expected in about 1 day."),
        (
            None,
            "no whole day was counted",
            (
                "Wait until the interval leaves zero. There is no forecast: no whole day was "
                "counted."
            ),
        ),
    ],
)
def test_it_is_too_early_while_the_interval_holds_zero(
    days: int | None, no_forecast: str, text: str
) -> None:
    open_lift = build_lift(lift_ci_anytime=(-3.0, 30.0))

    judged = verdict.judge(
        build_evidence(
            measured=open_lift, days_to_decision=days, no_forecast=no_forecast
        )
    )

    assert (judged.kind, judged.title) == ("early", "Too early to say")
    assert judged.next_step is not None
    assert judged.next_step.text == text


def test_without_an_interval_the_reason_is_given() -> None:
    measured = build_lift(lift_ci_anytime=None, difference_ci_anytime=None)
    reasons = {"primary_metric_vs_holdout.lift_ci_anytime": "too few conversions"}

    judged = verdict.judge(build_evidence(measured=measured, reasons=reasons))

    assert judged.kind == "early"
    assert judged.sentences[0].endswith("no interval yet: too few conversions.")


@pytest.mark.parametrize("status", ["live", "paused", "shipped", "completed"])
def test_a_broken_split_comes_before_everything(status: str) -> None:
    judged = verdict.judge(
        build_evidence(status=status, health=Health("broken", [SPLIT, HARM], None))
    )

    assert judged.kind == "broken"
    assert judged.title == "Do not read these numbers yet: the split is broken"
    assert judged.sentences[0] == "The holdout has 13%."
    assert judged.next_step is not None
    assert (judged.next_step.text, judged.next_step.action) == ("Send exposures.", "")
    assert "+15.8" not in " ".join(judged.sentences)


def test_a_guardrail_that_suffers_comes_before_a_lift_that_works() -> None:
    judged = verdict.judge(
        build_evidence(health=Health("warning", [HARM], None), violated=("Refunds",))
    )

    assert (judged.kind, judged.title) == ("guardrail", "A guardrail suffers: Refunds")
    assert judged.sentences[0] == "Refunds doubled."
    assert judged.next_step is not None
    assert judged.next_step.text == "Weigh this harm."


@pytest.mark.parametrize(
    ("status", "kind", "action"),
    [
        ("shipped", "shipped", "resume"),
        ("paused", "paused", "resume"),
        ("archived", "ended", "unarchive"),
    ],
)
def test_what_is_not_live_says_so_with_what_was_found(
    status: str, kind: str, action: str
) -> None:
    judged = verdict.judge(build_evidence(status=status))

    assert judged.kind == kind
    assert "+34.0" in judged.sentences[-1]
    assert judged.next_step is not None
    assert judged.next_step.action == action


def test_what_has_ended_has_no_next_step() -> None:
    judged = verdict.judge(build_evidence(status="completed"))

    assert (judged.kind, judged.next_step) == ("ended", None)


def test_a_draft_without_a_metric_needs_one() -> None:
    judged = verdict.judge(build_evidence(status="draft", metric=None))

    assert judged.kind == "draft"
    assert "needs a reward metric" in judged.sentences[0]


@pytest.mark.parametrize("reasons", [[], [UNCOUNTED_REASON]])
def test_nothing_counted_is_no_finding_and_no_failure(
    reasons: list[HealthReason],
) -> None:
    health = Health("warning" if reasons else "ok", reasons, None)

    judged = verdict.judge(build_evidence(is_counted=False, health=health))

    assert judged.kind == "uncounted"
    assert "counted by the next training" in judged.sentences[0]
    assert judged.next_step is not None
    assert judged.next_step.action == "count"
    unserved = verdict.judge(
        build_evidence(is_counted=False, is_served=False, health=health)
    )
    assert unserved.kind == "unserved"
    assert unserved.next_step == verdict.NextStep(verdict.ASK_FIRST)
    listed = list_health(health, {}, [])
    assert [(item.state, item.next_step) for item in listed] == [
        ("open", "") for _ in reasons
    ]


def test_before_anybody_had_their_time_nothing_is_compared() -> None:
    measured = build_lift(
        holdout_rate=None,
        lift_percent=None,
        lift_ci_anytime=None,
        difference=None,
        difference_ci_anytime=None,
    )
    waiting = HealthReason("no_mature_users", "Too young.", "Wait until tomorrow.")
    health = Health("warning", [waiting], None)

    judged = verdict.judge(build_evidence(measured=measured, health=health))

    assert judged.kind == "early"
    assert judged.sentences[0].startswith("Nothing can be compared yet")
    assert judged.next_step is not None
    assert judged.next_step.text == "Wait until tomorrow."


def test_without_a_holdout_there_is_nothing_to_compare_with() -> None:
    measured = build_lift(
        holdout_exposures=0,
        holdout_rate=None,
        lift_percent=None,
        lift_ci_anytime=None,
        difference=None,
        difference_ci_anytime=None,
    )

    judged = verdict.judge(build_evidence(measured=measured, holdout_percentage=0))

    assert judged.kind == "no_holdout"
    assert judged.next_step is not None
    assert "holdout" in judged.next_step.text


def test_amounts_without_a_percentage_are_told_per_visitor() -> None:
    measured = build_lift(
        lift_percent=None,
        lift_ci_anytime=None,
        difference=0.25,
        difference_ci_anytime=(0.1, None),
        optimization_rate=1.5,
        holdout_rate=1.25,
    )
    metric = MetricWords("Revenue", "numeric", is_less_better=False)

    judged = verdict.judge(build_evidence(measured=measured, metric=metric))

    assert judged.kind == "works"
    assert judged.title == "It works: +0.25 of “Revenue” per optimized visitor"
    assert judged.sentences[0] == (
        "An optimized visitor brought 1.5 of “Revenue”, one of the holdout 1.25; "
        "95% sure, at every look: at least +0.1 per visitor."
    )
