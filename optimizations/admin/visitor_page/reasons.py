"""Why a visitor got a variant, in plain sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from models_app.bandit.design.design import name_extra_levels
from optimizations.admin.numbered_variants import find_name
from optimizations.admin.visitor_page.links import describe_context, format_share
from optimizations.factors import ContextFactor
from optimizations.models import Decision
from optimizations.results.visitor_history import ExplainedDecision
from optimizations.serving.explanation import DecisionReceipt

HELD_OUT: Final = (
    "Held out: a hash of the visitor's id falls into the holdout, whose users always get "
    "the baseline. Nothing was drawn."
)
NOTHING_LEARNED: Final = (
    "Nothing had been learned yet: policy version 0 shares all variants out evenly."
)
REPEATABLE: Final = (
    "The draw depends on the ids alone: repeated now, it gives this variant again."
)
NOT_REPEATABLE: Final = "Repeated now, the draw gives another variant: report this, for it should not happen."
MAX_SHOWN: Final = 6


@dataclass(frozen=True, slots=True)
class Chance:
    """A variant with the probability that it had."""

    name: str
    probability: float
    is_drawn: bool

    @property
    def text(self) -> str:
        """The probability as a percentage."""
        return format_share(self.probability)

    @property
    def width(self) -> str:
        """How long its bar is."""
        return f"{100 * self.probability:.1f}%"


def explain_decision(
    decision: ExplainedDecision,
    before: Decision | None,
    names: Sequence[str],
    contexts: Sequence[ContextFactor],
) -> list[str]:
    """Return why the visitor got the variant; `before` is the receipt that it replaced."""
    receipt, explained, problem = decision
    if receipt.in_holdout:
        return [HELD_OUT]
    sentences = []
    if receipt.redraw:
        which = (
            "the variant" if before is None else find_name(names, before.variant_number)
        )
        times = (
            "" if receipt.redraw == 1 else f" ({_format_ordinal(receipt.redraw)} time)"
        )
        sentences.append(
            f"Drawn again{times}: {which}, which the visitor had, was not served any more."
        )
    if explained is None:
        return [*sentences, f"How it was drawn cannot be told any more: {problem}"]
    sentences += _describe_draw(receipt, explained, names)
    sentences += _list_unknown_levels(explained.context, contexts)
    if explained.is_reproduced is not None:
        sentences.append(REPEATABLE if explained.is_reproduced else NOT_REPEATABLE)
    return sentences


def _describe_draw(
    receipt: Decision, explained: DecisionReceipt, names: Sequence[str]
) -> list[str]:
    chances = {each.number: each.probability for each in explained.probabilities}
    own = chances.get(receipt.variant_number, 0.0)
    context = describe_context(explained.context)
    where = f" for {context}" if context else ""
    version = f"Policy version {receipt.policy_version}"
    sentences = (
        [NOTHING_LEARNED]
        if receipt.policy_version == 0
        else [f"{version} gave this variant {format_share(own)} of the users{where}."]
    )
    if receipt.propensity != own:
        sentences.append(
            "The request allowed only some of the variants: among these it had "
            f"{format_share(receipt.propensity)}."
        )
    largest = max(chances, key=lambda number: chances[number])
    if receipt.policy_version and chances[largest] > own:
        sentences.append(
            f"The largest share had {find_name(names, largest)}: "
            f"{format_share(chances[largest])}. The others are served, too, so that the "
            "model goes on learning."
        )
    return sentences


def _list_unknown_levels(
    context: Mapping[str, str], contexts: Sequence[ContextFactor]
) -> list[str]:
    """Return which values of the request are no levels, and as what they count."""
    return [
        f"{context[factor.name]} is not a level of {factor.name}: it counts as "
        f"{name_extra_levels(factor.levels)[0]}."
        for factor in contexts
        if factor.name in context and context[factor.name] not in factor.levels
    ]


def list_chances(
    decision: ExplainedDecision, names: Sequence[str]
) -> tuple[list[Chance], int]:
    """Return the most probable variants and the one drawn, and how many are left out."""
    if decision.explained is None or decision.receipt.in_holdout:
        return [], 0
    drawn = decision.receipt.variant_number
    chances = [
        Chance(find_name(names, each.number), each.probability, each.number == drawn)
        for each in decision.explained.probabilities
    ]
    ordered = sorted(chances, key=lambda chance: -chance.probability)
    shown = ordered[:MAX_SHOWN]
    shown += [chance for chance in ordered[MAX_SHOWN:] if chance.is_drawn]
    return shown, len(ordered) - len(shown)


def summarize(receipt: Decision) -> str:
    """Return why in few words, from the receipt alone."""
    if receipt.in_holdout:
        return "held out"
    share = format_share(receipt.propensity)
    if receipt.redraw:
        return f"drawn again, {share}"
    return f"drawn, {share}"


def read_context(receipt: Decision) -> dict[str, str]:
    """Return the levels that the request had."""
    context: dict[str, str] = orjson.loads(receipt.context or "{}")
    return context


def _format_ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    is_teen = number % 100 in {11, 12, 13}
    return f"{number}{'th' if is_teen else endings.get(number % 10, 'th')}"
