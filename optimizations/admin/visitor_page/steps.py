"""What happened to one visitor, as a list that is read from top to bottom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from levered_site.admin import html
from optimizations.admin.numbered_variants import find_name
from optimizations.admin.visitor_page import reasons
from optimizations.admin.visitor_page.links import describe_context, format_share
from optimizations.admin.visitor_page.reasons import Chance
from optimizations.factors import ContextFactor
from optimizations.models import Decision
from optimizations.results.visitor_events import JudgedReward, SentEvent
from optimizations.results.visitor_history import ExplainedDecision, VisitorHistory

Kind = Literal["decision", "exposure", "reward", "end"]
ICONS: Final[dict[Kind, str]] = {
    "decision": "casino",
    "exposure": "visibility",
    "reward": "paid",
    "end": "flag",
}
PAUSED: Final = "The optimization was not live then: this exposure counts for nobody."


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the list.

    Attributes
    ----------
    facts: in few words, by their names.
    tone: good for what counts, watch for what does not.
    chances: of a decision the probabilities it was drawn from; `hidden` are left out.

    """

    kind: Kind
    at: datetime
    title: str
    sentences: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    tone: Literal["", "good", "watch"] = ""
    chances: Sequence[Chance] = ()
    hidden: int = 0

    @property
    def icon(self) -> str:
        """The picture of its kind."""
        return ICONS[self.kind]


def list_steps(
    history: VisitorHistory,
    names: Sequence[str],
    names_by_key: Mapping[str, str],
    contexts: Sequence[ContextFactor] = (),
) -> list[Step]:
    """Return all steps, the oldest first."""
    before = [None, *(decision.receipt for decision in history.decisions)]
    steps = [
        build_decision(decision, replaced, names, contexts)
        for decision, replaced in zip(history.decisions, before, strict=False)
    ]
    steps += [
        _build_exposure(event, names_by_key.get(event.text, event.text), history)
        for event in history.exposures
    ]
    steps += [_build_reward(reward) for reward in history.rewards]
    steps += _list_end(history)
    # A decision stands before what is dated the same moment.
    return sorted(steps, key=lambda step: (step.at, list(ICONS).index(step.kind)))


def build_decision(
    decision: ExplainedDecision,
    before: Decision | None,
    names: Sequence[str],
    contexts: Sequence[ContextFactor],
) -> Step:
    """Return a decision; `before` is the receipt before it."""
    receipt = decision.receipt
    chances, hidden = reasons.list_chances(decision, names)
    context = describe_context(reasons.read_context(receipt))
    return Step(
        kind="decision",
        at=receipt.decided_at,
        title=f"Got {find_name(names, receipt.variant_number)}",
        sentences=reasons.explain_decision(decision, before, names, contexts),
        facts=[
            ("Arm", "holdout" if receipt.in_holdout else "optimized"),
            ("Context", context or "none"),
            ("Policy version", f"{receipt.policy_version}"),
            ("Propensity", format_share(receipt.propensity)),
        ],
        chances=chances,
        hidden=hidden,
    )


def _build_exposure(event: SentEvent, name: str, history: VisitorHistory) -> Step:
    counts = event.at in history.touches
    return Step(
        kind="exposure",
        at=event.at,
        title=f"Saw {name}",
        sentences=["An exposure that was sent in."] if counts else [PAUSED],
        tone="" if counts else "watch",
    )


def _build_reward(reward: JudgedReward) -> Step:
    value = "" if reward.value == 1 else f", worth {html.format_number(reward.value)}"
    verdict = "Counts" if reward.counts else "Does not count"
    return Step(
        kind="reward",
        at=reward.at,
        title=f"Reward “{reward.name}”{value}",
        sentences=[f"{verdict}: {reward.reason}."],
        tone="good" if reward.counts else "watch",
    )


def _list_end(history: VisitorHistory) -> list[Step]:
    """Return the moment after which nothing counts, if it is over."""
    ends_at = history.rules.ends_at
    if ends_at is None or ends_at > history.as_of:
        return []
    title = "From here on nothing counts: the visitor's outcome is complete"
    return [Step("end", ends_at, title)]
