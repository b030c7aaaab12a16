"""A simulated optimization: what may vary, who comes, and the truth about it.

The service never gets the truth. It sees visitors and what they do.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import exp, log, prod
from typing import Any

from optimizations.admin.result_page.verdict import Kind

Json = dict[str, Any]
Levels = Mapping[str, str]
Shares = Mapping[str, float]
# From the levels of variant and context to a probability.
Chance = Callable[[Levels, Levels], float]


@dataclass(frozen=True, slots=True)
class Goal:
    """A metric, and the probability that a visitor reaches it.

    With `mean_amount` each event has an amount with that mean. `fields` are further
    fields of the metric.
    """

    name: str
    event: str
    chance: Chance
    mean_amount: float | None = None
    fields: Json = field(default_factory=dict)

    def compute_value(self, variant: Levels, context: Levels) -> float:
        """Return the true mean of a visitor."""
        return self.chance(variant, context) * (self.mean_amount or 1.0)


@dataclass(frozen=True, slots=True)
class Step:
    """What a person does in the morning of a day: a call below the optimization."""

    day: int
    method: str
    path: str
    body: Json


@dataclass(frozen=True, slots=True)
class Loss:
    """From `first_day` on the app loses this share of what it decided for the holdout."""

    first_day: int
    share: float


@dataclass(frozen=True, slots=True)
class World:
    """A simulated optimization. `intended` is the verdict that its page should have.

    `contexts` are the shares of visitors by context factor and level. `screenshots` is a
    folder with a PNG for each variant, named by its number.
    """

    name: str
    slug: str
    intended: Kind
    days: int
    visitors_a_day: int
    holdout_percentage: float
    factors: Mapping[str, Sequence[str]]
    contexts: Mapping[str, Shares]
    reward: Goal
    guardrails: Sequence[Goal] = ()
    steps: Sequence[Step] = ()
    loss: Loss | None = None
    screenshots: str = ""

    @property
    def goals(self) -> Sequence[Goal]:
        """The reward, then the guardrails."""
        return (self.reward, *self.guardrails)

    @property
    def variants(self) -> Sequence[dict[str, str]]:
        """The variants in the order of their numbers; the first is the baseline."""
        combinations = product(*self.factors.values())
        return [dict(zip(self.factors, each, strict=True)) for each in combinations]

    def list_contexts(self) -> Sequence[tuple[dict[str, str], float]]:
        """Return each context with the share of visitors who have it."""
        combinations = product(*(shares.items() for shares in self.contexts.values()))
        return [
            (
                {
                    name: level
                    for name, (level, _) in zip(self.contexts, each, strict=True)
                },
                prod(share for _, share in each),
            )
            for each in combinations
        ]

    def compute_average_value(self, variant: Levels) -> float:
        """Return the true mean reward of a variant over all visitors."""
        return sum(
            share * self.reward.compute_value(variant, context)
            for context, share in self.list_contexts()
        )


def build_chance(
    base: float, effects: Mapping[tuple[str, ...], float] | None = None
) -> Chance:
    """Return a logistic chance: `base`, and effects in log odds.

    An effect holds where variant and context together have all levels of its key.
    """
    base_log_odds = log(base / (1 - base))

    def compute_chance(variant: Levels, context: Levels) -> float:
        levels = {*variant.values(), *context.values()}
        log_odds = base_log_odds
        for needed, effect in (effects or {}).items():
            if levels.issuperset(needed):
                log_odds += effect
        return 1 / (1 + exp(-log_odds))

    return compute_chance
