"""Simulate who comes in a stretch of time, what they see, and what they do."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from random import Random

from levered_site.demo.world import Goal, Json, Levels, World
from optimizations.serving import decision
from optimizations.serving.snapshot import Snapshot

WEEKEND_SHARE = 0.7  # of a working day's visitors
MEAN_DELAY = timedelta(minutes=30)  # from a visit to what the visitor does
AMOUNT_SPREAD = 0.5  # standard deviation of the logarithm of an amount
DAY = timedelta(days=1)


@dataclass(slots=True)
class Arm:
    """What the decisions of one arm earned and lost, by the true means."""

    visitors: int = 0
    earned: float = 0.0
    lost: float = 0.0  # sum of (best - shown)
    lost_uniform: float = 0.0  # sum of (best - mean over variants)

    def add(self, values: Sequence[float], number: int) -> None:
        """Count a visitor who saw a variant; `values` are the true means of all."""
        value = values[number - 1]
        self.visitors += 1
        self.earned += value
        self.lost += max(values) - value
        self.lost_uniform += max(values) - sum(values) / len(values)


@dataclass(slots=True)
class Score:
    """Both arms, and the optimized one's daily regret as a share of uniform's."""

    optimized: Arm = field(default_factory=Arm)
    holdout: Arm = field(default_factory=Arm)
    daily_regret: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time, on a day of the world counted from 0."""

    day: int
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Visit:
    """A visitor and what they were shown."""

    visitor: str
    moment: datetime
    context: dict[str, str]
    number: int
    in_holdout: bool


@dataclass(frozen=True)
class ContextTruth:
    """The truth about visitors of one context: by goal and variant."""

    chances: Sequence[Sequence[float]]
    values: Sequence[float]  # of the reward, by variant


@dataclass
class Crowd:
    """The visitors of a world: who came, what they will do later, and the true score.

    The score counts visitors until `mature_at`: the measured lift compares no others.
    """

    world: World
    optimization_id: str
    mature_at: datetime
    generator: Random
    score: Score = field(default_factory=Score)
    visitors: int = 0
    coming: list[tuple[datetime, Json]] = field(default_factory=list)

    def decide_visits(self, snapshot: Snapshot, stretch: Stretch) -> list[Json]:
        """Let visitors come and decide for each as a client does; return what it sends.

        What they do later is kept for `take_events`.
        """
        before, sent = replace(self.score.optimized), []
        for _ in range(self._draw_count(stretch)):
            visit = self._decide_visit(snapshot, stretch)
            self._count_visit(visit)
            self._let_act(visit)
            if not self._is_lost(visit, stretch.day):
                sent.append(_describe_decision(visit, snapshot.policy_version))
        lost = self.score.optimized.lost - before.lost
        lost_uniform = self.score.optimized.lost_uniform - before.lost_uniform
        if lost_uniform:
            self.score.daily_regret.append(lost / lost_uniform)
        return sent

    def take_events(self, until: datetime) -> list[Json]:
        """Return the events that happened by then; keep the others."""
        due = [event for moment, event in self.coming if moment <= until]
        self.coming = [
            (moment, event) for moment, event in self.coming if moment > until
        ]
        return due

    def _draw_count(self, stretch: Stretch) -> int:
        share = WEEKEND_SHARE if stretch.start.weekday() >= 5 else 1.0
        length = (stretch.end - stretch.start) / DAY
        mean = self.world.visitors_a_day * share * length
        return max(0, round(mean * self.generator.uniform(0.92, 1.08)))

    def _decide_visit(self, snapshot: Snapshot, stretch: Stretch) -> Visit:
        self.visitors += 1
        visitor = f"{self.world.slug}-{self.visitors:06}"
        length = stretch.end - stretch.start
        moment = stretch.start + self.generator.random() * length
        context = {
            name: self.generator.choices(list(shares), list(shares.values()))[0]
            for name, shares in self.world.contexts.items()
        }
        resolved = decision.resolve_context(snapshot, context)
        proposal = decision.decide_variant(snapshot, visitor, resolved, moment)
        number = proposal.card.number
        return Visit(visitor, moment, context, number, proposal.in_holdout)

    def _count_visit(self, visit: Visit) -> None:
        if visit.moment <= self.mature_at:
            arm = self.score.holdout if visit.in_holdout else self.score.optimized
            arm.add(self._find_truth(visit.context).values, visit.number)

    def _let_act(self, visit: Visit) -> None:
        chances = self._find_truth(visit.context).chances
        for goal, by_variant in zip(self.world.goals, chances, strict=True):
            if self.generator.random() < by_variant[visit.number - 1]:
                delay = self.generator.expovariate(1.0) * MEAN_DELAY
                event = self._describe_event(goal, visit, visit.moment + delay)
                self.coming.append((visit.moment + delay, event))

    def _describe_event(self, goal: Goal, visit: Visit, moment: datetime) -> Json:
        event = {
            "anonymous_id": visit.visitor,
            "optimization_id": self.optimization_id,
            "name": goal.event,
            "timestamp": moment.isoformat(),
        }
        if goal.mean_amount is None:
            return event
        factor = self.generator.lognormvariate(-(AMOUNT_SPREAD**2) / 2, AMOUNT_SPREAD)
        return event | {"value": round(goal.mean_amount * factor, 2)}

    def _is_lost(self, visit: Visit, day: int) -> bool:
        loss = self.world.loss
        if loss is None or not visit.in_holdout or day < loss.first_day:
            return False
        return self.generator.random() < loss.share

    def _find_truth(self, context: Levels) -> ContextTruth:
        return self._truths[tuple(context.values())]

    @cached_property
    def _truths(self) -> dict[tuple[str, ...], ContextTruth]:
        """The truth by the levels of the context."""
        variants, goals = self.world.variants, self.world.goals
        return {
            tuple(context.values()): ContextTruth(
                [[goal.chance(each, context) for each in variants] for goal in goals],
                [goals[0].compute_value(each, context) for each in variants],
            )
            for context, _ in self.world.list_contexts()
        }


def _describe_decision(visit: Visit, policy_version: int) -> Json:
    return {
        "anonymous_id": visit.visitor,
        "variant_number": visit.number,
        "policy_version": policy_version,
        "context": visit.context,
        "in_holdout": visit.in_holdout,
        "timestamp": visit.moment.isoformat(),
    }
