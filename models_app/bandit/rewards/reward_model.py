"""What is believed of a reward: posteriors of its parts, and how they make it up."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from models_app.bandit.design.design import Design, Floats, Integers
from models_app.bandit.regression.posterior import (
    Posterior,
    compute_chunk_size,
    draw_deviations,
)
from models_app.bandit.rewards.linear_predictor import PredictorParts, PredictorSplitter

RewardModelKind = Literal["chance", "hurdle", "mean", "outcomes"]
LinkFunction = Callable[[Floats], Floats]

MAX_LOG = 600.0
"""What the exponents of a product may add up to without leaving the numbers."""


@dataclass(frozen=True, slots=True)
class RewardPosterior:
    """Joint posterior of a reward that is more than a chance.

    Parameters
    ----------
    kind: 'hurdle': chance to pay times the mean amount of those who pay; 'mean': the
        reward itself; 'outcomes': chance of any outcome times the mean weight then.
    posteriors: of its independent parts. hurdle: log odds to pay, log amount; mean: the
        reward; outcomes: log odds of any, then of each outcome but the last among those
        who had none of the earlier ones.
    names: of the parts, for people.
    weights: of the outcomes, in the order of their parts.
    smearing: mean and sd of the log of mean amount over exp(mean log amount).
    notes: what people should know of how it was found.

    """

    kind: RewardModelKind
    posteriors: tuple[Posterior, ...]
    names: tuple[str, ...]
    weights: tuple[float, ...] = ()
    smearing: tuple[float, float] = (0.0, 0.0)
    notes: tuple[str, ...] = ()

    @property
    def design(self) -> Design:
        """The design that all parts share."""
        return self.posteriors[0].design


FittedReward = Posterior | RewardPosterior
"""Of bool rewards the one posterior of log odds is all there is to believe."""


def apply_logistic(eta: Floats) -> Floats:
    """Return 1 / (1 + exp(-eta)), without scipy and without overflow."""
    small = np.exp(-np.abs(eta))
    return np.asarray(np.where(eta >= 0, 1.0, small) / (1.0 + small))


def to_reward_posterior(believed: FittedReward) -> RewardPosterior:
    """Return a posterior of bool rewards as the belief that it is."""
    if isinstance(believed, RewardPosterior):
        return believed
    return RewardPosterior("chance", (believed,), ("reward",))


def negate_reward(believed: FittedReward) -> tuple[FittedReward, float]:
    """Turn "less is better" round: what to maximise, and the sign of its merits.

    A linear score is negated at its mean and keeps its draws, so that minimising a
    reward and maximising its negative give the same table.
    """
    if isinstance(believed, Posterior):
        return replace(believed, mean=-believed.mean), 1.0
    if believed.kind != "mean":
        return believed, -1.0
    (only,) = believed.posteriors
    return replace(believed, posteriors=(replace(only, mean=-only.mean),)), 1.0


@dataclass(frozen=True, slots=True)
class DrawChunk:
    """Some joint draws: deviations [draws, 1 + q] of each part, and of the smearing."""

    belief: RewardPosterior
    deviations: tuple[Floats, ...]
    smearing: Floats
    variants: Integers
    splitter: PredictorSplitter
    logistic: LinkFunction

    def __len__(self) -> int:
        """Count the draws."""
        return len(self.smearing)

    @property
    def design(self) -> Design:
        """The design of all parts."""
        return self.belief.design

    def coefficients(self) -> list[Floats]:
        """Coefficients [draws, 1 + q] of each part."""
        pairs = zip(self.belief.posteriors, self.deviations, strict=True)
        return [part.mean + deviation for part, deviation in pairs]

    def table(self) -> "RewardTable":
        """Rewards of these draws."""
        parts = [self.splitter.parts(each) for each in self.coefficients()]
        if self.belief.kind in {"chance", "mean"}:
            link = self.logistic if self.belief.kind == "chance" else _apply_identity
            return _SinglePartTable(parts[0], link)
        chance = _exponentiate_parts(parts[0], -1.0)
        if self.belief.kind == "hurdle":
            centre, sd = self.belief.smearing
            factor = np.exp(centre + sd * self.smearing)
            return _HurdleTable(
                chance, _exponentiate_parts(parts[1], 1.0), factor[:, None]
            )
        stages = tuple(_exponentiate_parts(part, -1.0) for part in parts[1:])
        return _OutcomeTable(chance, stages, self.belief.weights)


def draw_chunks(  # noqa: PLR0913 - the first four say what is drawn, the rest by name
    believed: FittedReward,
    draws: int,
    seed: int,
    variants: Integers,
    *,
    bias: Mapping[str, float] | None = None,
    logistic: LinkFunction = apply_logistic,
    size: int | None = None,
) -> Iterator[DrawChunk]:
    """Yield joint draws in chunks of `size`, or that hold about posteriors.CHUNK numbers.

    The draws depend on the seed, not on the chunks. `variants` are the indices wanted.
    Raises ValueError as posteriors.deviations does.
    """
    whole = to_reward_posterior(believed)
    most = max(16, compute_chunk_size(whole.design) // len(whole.posteriors))
    chunk = min(size or most, most)
    splitter = PredictorSplitter(whole.design, variants)
    seeds: list[int | list[int]] = [seed]
    seeds += [[seed, index] for index in range(1, len(whole.posteriors))]
    streams = [
        draw_deviations(part, draws, each, chunk, bias)
        for part, each in zip(whole.posteriors, seeds, strict=True)
    ]
    smearing = np.random.default_rng([seed, 1000]).standard_normal(draws)
    start = 0
    for deviations in zip(*streams, strict=True):
        stop = start + len(deviations[0])
        rows = smearing[start:stop]
        yield DrawChunk(whole, deviations, rows, variants, splitter, logistic)
        start = stop


class RewardTable:
    """Rewards of some draws; read one context cell at a time."""

    __slots__ = ()

    def reward(self, levels: Integers) -> Floats:
        """Expected rewards [draws, V] in a context cell, in the reward's unit."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _SinglePartTable(RewardTable):
    parts: PredictorParts
    link: LinkFunction

    def reward(self, levels: Integers) -> Floats:
        return self.link(self.parts.predictor(levels))


@dataclass(frozen=True, slots=True)
class _PartProduct:
    """exp(± predictor) as a product of parts: no exponential per context cell."""

    variant: Floats
    contexts: tuple[Floats, ...]

    def at(self, levels: Integers) -> Floats:
        total = self.variant
        for table, level in zip(self.contexts, levels, strict=True):
            total = total * table[level]
        return total


@dataclass(frozen=True, slots=True)
class _HurdleTable(RewardTable):
    """`against` holds exp(-log odds to pay), `amount` exp(log amount)."""

    against: _PartProduct
    amount: _PartProduct
    factor: Floats

    def reward(self, levels: Integers) -> Floats:
        amount = self.factor * self.amount.at(levels)
        return amount / (1.0 + self.against.at(levels))


@dataclass(frozen=True, slots=True)
class _OutcomeTable(RewardTable):
    """Products hold exp(-log odds): of any outcome, then of each at its turn."""

    against: _PartProduct
    stages: tuple[_PartProduct, ...]
    weights: tuple[float, ...]

    def reward(self, levels: Integers) -> Floats:
        """Sum of weight times probability, the last outcome taking what is left."""
        value: Floats | float = self.weights[-1]
        ordered = list(zip(self.stages, self.weights[:-1], strict=True))
        for stage, weight in reversed(ordered):
            value = value + (weight - value) / (1.0 + stage.at(levels))
        return np.asarray(value / (1.0 + self.against.at(levels)))


def _exponentiate_parts(parts: PredictorParts, sign: float) -> _PartProduct:
    most = MAX_LOG / (1 + len(parts.context))

    def exponentiate_table(table: Floats) -> Floats:
        return np.asarray(np.exp(np.clip(sign * table, -most, most)))

    contexts = tuple(
        exponentiate_table(personal + main[:, :, None])
        for personal, main in zip(parts.personal, parts.context, strict=True)
    )
    return _PartProduct(exponentiate_table(parts.variant), contexts)


def _apply_identity(predictor: Floats) -> Floats:
    return predictor
