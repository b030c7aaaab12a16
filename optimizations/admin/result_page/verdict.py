"""The verdict on an optimization: a title, two sentences, and what to do next. Pure.

Nothing is computed here: the health, the interval and the leader were judged before, and
the verdict puts them in one order. What makes figures worthless comes before the figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from levered_site.charts.intervals import Tone, find_tone
from optimizations.admin.result_page import wording
from optimizations.admin.result_page.wording import MetricWords
from optimizations.results.health.health import GUARDRAIL_VIOLATED, Health
from optimizations.results.health.missing_counts import is_nothing_yet
from optimizations.results.lift.measured_lift import RESULT_NAME, MeasuredLift

Kind = Literal[
    "draft",
    "unserved",
    "uncounted",
    "no_holdout",
    "broken",
    "guardrail",
    "works",
    "hurts",
    "early",
    "shipped",
    "paused",
    "ended",
]
DISTRUST = (
    "Lift, variants and what was learned cannot be trusted until this is corrected."
)
ASK_FIRST = "Ask for its variants in your product."
COUNT_FIRST = "Wait for the training, or count now."
SERVING_FIRST = (
    "Whoever your product asks a variant for is served from now on, and counted by the "
    "next training."
)
STARTS: Mapping[Kind, str] = {
    "unserved": "Live: nobody has been served yet",
    "uncounted": "Nothing is counted yet",
}
SHIP = "Ship it: every visitor then gets the leading variant for their context."
TAKE_BACK = (
    "To take it back, go live again: the holdout gets the baseline, and it learns."
)
NOTHING_TO_COMPARE = "Nothing can be compared yet: in one of the arms nobody has had their time to convert."
UNTIL_THEN = "Not yet, because something speaks against it: {}"
INTERVAL_NAMES = ("lift_ci_anytime", "difference_ci_anytime", "lift_percent")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the verdict rests on.

    Attributes
    ----------
    metric: None for a draft without one.
    violated: names of the guardrails that are violated now.
    leader: the variant that leads, in words with its chance; empty where there is none.
    reasons: why figures are null, by their names in results.
    is_served: whether anybody ever got a variant.

    """

    status: str
    metric: MetricWords | None
    holdout_percentage: float
    is_counted: bool
    measured: MeasuredLift
    health: Health
    violated: tuple[str, ...]
    leader: str
    days_to_decision: int | None
    no_forecast: str
    reasons: Mapping[str, str]
    is_served: bool = True


@dataclass(frozen=True, slots=True)
class NextStep:
    """What to do next; `action` names an action of the head that does it."""

    text: str
    action: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer that the page begins with."""

    kind: Kind
    title: str
    sentences: tuple[str, ...]
    next_step: NextStep | None
    tone: Tone


def judge(evidence: Evidence) -> Verdict:
    """Return the verdict: broken figures first, then the status, then what was found."""
    metric = evidence.metric
    if evidence.status == "draft" or metric is None:
        return _describe_draft(evidence)
    if evidence.health.status == "broken":
        return _describe_broken(evidence)
    by_status = _describe_status(evidence, metric)
    if by_status is not None:
        return by_status
    if not evidence.is_served:
        return _describe_start(evidence, "unserved", NextStep(ASK_FIRST))
    if not evidence.is_counted:
        return _describe_start(evidence, "uncounted", NextStep(COUNT_FIRST, "count"))
    return _describe_findings(evidence, metric)


def _describe_draft(evidence: Evidence) -> Verdict:
    if evidence.status != "draft":
        return Verdict("ended", "It never was live", (), None, "neutral")
    first = (
        "It needs a reward metric before it can go live."
        if evidence.metric is None
        else "Nobody is served, and nothing is recorded."
    )
    step = NextStep("Check the settings, then go live.", "resume")
    return Verdict(
        "draft",
        "A draft: it is not live yet",
        (first, "Its factors and levels become fixed when it goes live."),
        step,
        "neutral",
    )


def _describe_broken(evidence: Evidence) -> Verdict:
    reason = evidence.health.reasons[0]
    return Verdict(
        "broken",
        "Do not read these numbers yet: the arms cannot be compared"
        if not reason.code.startswith("sample_ratio")
        else "Do not read these numbers yet: the split is broken",
        (reason.message, DISTRUST),
        NextStep(reason.next),
        "bad",
    )


def _describe_status(evidence: Evidence, metric: MetricWords) -> Verdict | None:
    """Return the verdict on what is not live; None if it is."""
    so_far = _describe_measured(evidence, metric) if evidence.is_counted else ""
    if evidence.status == "shipped":
        first = (
            "Every visitor gets the leading variant for their context, and results are "
            "frozen."
        )
        return Verdict(
            "shipped",
            "Shipped: nothing is compared any more",
            _list_sentences(first, so_far and f"Until then: {so_far}"),
            NextStep(TAKE_BACK, "resume"),
            "neutral",
        )
    if evidence.status == "paused":
        first = "Clients show their fallback, and nothing is recorded."
        return Verdict(
            "paused",
            "Paused: nobody is served",
            _list_sentences(first, so_far and f"So far: {so_far}"),
            NextStep("Make it live to serve and to measure again.", "resume"),
            "watch",
        )
    if evidence.status == "live":
        return None
    ended = {"completed": "It ended", "archived": "It is archived"}
    return Verdict(
        "ended",
        f"{ended.get(evidence.status, 'It ended')}: nobody is served",
        _list_sentences(so_far and f"Until then: {so_far}"),
        NextStep("Unarchive it to have it back.", "unarchive")
        if evidence.status == "archived"
        else None,
        "neutral",
    )


def _describe_start(evidence: Evidence, kind: Kind, step: NextStep) -> Verdict:
    """Return the verdict before there are figures; what is wrong already comes first."""
    title = STARTS[kind]
    reasons = evidence.health.reasons
    if not reasons or is_nothing_yet(evidence.health):
        return Verdict(kind, title, (SERVING_FIRST,), step, "neutral")
    first = reasons[0]
    return Verdict(kind, title, (first.message,), NextStep(first.next), "neutral")


def _describe_findings(evidence: Evidence, metric: MetricWords) -> Verdict:
    measured = _describe_measured(evidence, metric)
    tone = _find_tone(evidence.measured, metric)
    change = wording.describe_change(evidence.measured, metric)
    violation = next(
        (each for each in evidence.health.reasons if each.code == GUARDRAIL_VIOLATED),
        None,
    )
    if violation is not None:
        names = ", ".join(evidence.violated)
        return Verdict(
            "guardrail",
            f"A guardrail suffers{f': {names}' if names else ''}",
            (violation.message, measured),
            NextStep(violation.next),
            "bad",
        )
    if tone == "bad":
        return Verdict(
            "hurts",
            f"It hurts: {change}",
            _list_sentences(measured, evidence.leader),
            NextStep("Pause it, or disable the variants that do worst.", "pause"),
            "bad",
        )
    if tone == "good":
        return Verdict(
            "works",
            f"It works: {change}",
            _list_sentences(measured, evidence.leader),
            _advise(evidence, NextStep(SHIP, "ship")),
            "good",
        )
    return _describe_undecided(evidence, measured)


def _describe_undecided(evidence: Evidence, measured: str) -> Verdict:
    if evidence.measured.holdout_exposures == 0 and evidence.holdout_percentage == 0:
        return Verdict(
            "no_holdout",
            "Nobody is held out: there is nothing to compare with",
            _list_sentences(
                "Without a holdout no lift can be measured.", evidence.leader
            ),
            NextStep("Give it a holdout under Settings to measure what it is worth."),
            "watch",
        )
    reasons = evidence.health.reasons
    return Verdict(
        "early",
        "Too early to say",
        _list_sentences(measured, evidence.leader),
        NextStep(reasons[0].next if reasons else _describe_wait(evidence)),
        "neutral",
    )


def _describe_wait(evidence: Evidence) -> str:
    days = evidence.days_to_decision
    if days:
        return f"Wait: a decision is expected in about {days} day{'s' if days > 1 else ''}."
    waiting = "Wait until the interval leaves zero."
    if not evidence.no_forecast:
        return waiting
    return f"{waiting} There is no forecast: {evidence.no_forecast}."


def _advise(evidence: Evidence, step: NextStep) -> NextStep:
    """Return the step; where something speaks against the figures, what to do instead."""
    reasons = evidence.health.reasons
    return NextStep(UNTIL_THEN.format(reasons[0].next)) if reasons else step


def _describe_measured(evidence: Evidence, metric: MetricWords) -> str:
    if None in (evidence.measured.optimization_rate, evidence.measured.holdout_rate):
        return NOTHING_TO_COMPARE
    arms = wording.describe_arms(evidence.measured, metric)
    interval = wording.describe_interval(evidence.measured)
    if interval is not None:
        reason = evidence.reasons.get(f"{RESULT_NAME}.lift_percent")
        return f"{arms}; {interval}{f' (no percentage: {reason})' if reason else ''}."
    names = (f"{RESULT_NAME}.{name}" for name in INTERVAL_NAMES)
    reason = next(filter(None, map(evidence.reasons.get, names)), None)
    return f"{arms}; no interval yet{f': {reason}' if reason else ''}."


def _find_tone(measured: MeasuredLift, metric: MetricWords) -> Tone:
    """Return whether the interval of all looks together excludes zero, and which way."""
    limits = measured.lift_ci_anytime or measured.difference_ci_anytime
    return find_tone(limits or (None, None), is_less_better=metric.is_less_better)


def _list_sentences(*sentences: str) -> tuple[str, ...]:
    return tuple(sentence for sentence in sentences if sentence)
