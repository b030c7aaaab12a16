"""The posterior of a reward: posteriors of its parts, their combination, and draws."""

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

# Limit of the sum of exponents in a product, so that it stays finite and above 0.
MAX_LOG = 600.0


@dataclass(frozen=True, slots=True)
class RewardPosterior:
    """Joint posterior of a reward, made of independent parts.

    Attributes
    ----------
    kind: 'chance': the probability of a reward; 'hurdle': probability of paying times
        mean amount of those who pay; 'mean': the reward itself; 'outcomes': probability
        of any outcome times the mean weight of an outcome.
    posteriors: of the parts. chance: log odds; hurdle: log odds of paying, log amount;
        mean: the reward; outcomes: log odds of any outcome, then of each outcome but
        the last among users who had none of the earlier ones.
    names: of the parts, as shown to users.
    weights: of the outcomes, in the order of their parts.
    smearing: mean and sd of the log of mean amount over exp(mean log amount).
    notes: remarks for users on how the posterior was found.
    sign: of a hurdle's amounts; -1 if the parts describe the size of negative ones.

    """

    kind: RewardModelKind
    posteriors: tuple[Posterior, ...]
    names: tuple[str, ...]
    weights: tuple[float, ...] = ()
    smearing: tuple[float, float] = (0.0, 0.0)
    notes: tuple[str, ...] = ()
    sign: float = 1.0

    @property
    def design(self) -> Design:
        """The design that all parts share."""
        return self.posteriors[0].design


# What a fit returns; for bool rewards it is just the posterior of the log odds.
FittedReward = Posterior | RewardPosterior


def apply_logistic(eta: Floats) -> Floats:
    """Return 1 / (1 + exp(-eta)) without overflow.

    It does not use scipy, which only the workers load.
    """
    small = np.exp(-np.abs(eta))
    return np.asarray(np.where(eta >= 0, 1.0, small) / (1.0 + small))


def to_reward_posterior(fitted_reward: FittedReward) -> RewardPosterior:
    """Return the fitted reward as a RewardPosterior, whatever its kind."""
    if isinstance(fitted_reward, RewardPosterior):
        return fitted_reward
    return RewardPosterior("chance", (fitted_reward,), ("reward",))


def negate_reward(fitted_reward: FittedReward) -> tuple[FittedReward, float]:
    """Return a reward to maximize, and the sign of its merit, to minimize it.

    A posterior of log odds, or of a mean, is negated but keeps its draws of deviations.
    So minimizing a reward and maximizing its negative give the same table. Other kinds
    stay as they are, with sign -1.
    """
    if isinstance(fitted_reward, Posterior):
        return replace(fitted_reward, mean=-fitted_reward.mean), 1.0
    if fitted_reward.kind != "mean":
        return fitted_reward, -1.0
    return apply_sign(fitted_reward, -1.0), 1.0


def apply_sign(amounts: RewardPosterior, sign: float) -> RewardPosterior:
    """Return the posterior of amounts, or with sign -1 that of their negatives."""
    if sign > 0:
        return amounts
    if amounts.kind == "hurdle":
        return replace(amounts, sign=-amounts.sign)
    (part,) = amounts.posteriors
    return replace(amounts, posteriors=(replace(part, mean=-part.mean),))


@dataclass(frozen=True, slots=True)
class DrawChunk:
    """Some joint draws from the posterior of a reward.

    Attributes
    ----------
    posterior: what is drawn from.
    deviations: [draws, 1 + q] from the mean coefficients, for each part.
    smearing: [draws] standard normal draws for the smearing.
    splitter: splits coefficients for the V variants of interest.

    """

    posterior: RewardPosterior
    deviations: tuple[Floats, ...]
    smearing: Floats
    splitter: PredictorSplitter

    def __len__(self) -> int:
        """Return the number of draws."""
        return len(self.smearing)

    def coefficients(self) -> list[Floats]:
        """Return the coefficients [draws, 1 + q] of each part."""
        pairs = zip(self.posterior.posteriors, self.deviations, strict=True)
        return [part.mean + deviation for part, deviation in pairs]

    def build_table(self, logistic: LinkFunction = apply_logistic) -> "RewardTable":
        """Return the rewards of these draws, computed by context cell on demand."""
        kind = self.posterior.kind
        parts = [self.splitter.split(theta) for theta in self.coefficients()]
        if kind in {"chance", "mean"}:
            link = logistic if kind == "chance" else _apply_identity
            return _SinglePartTable(parts[0], link)
        odds_against = _exponentiate_parts(parts[0], -1.0)
        if kind == "hurdle":
            mean, sd = self.posterior.smearing
            factor = self.posterior.sign * np.exp(mean + sd * self.smearing)
            amount = _exponentiate_parts(parts[1], 1.0)
            return _HurdleTable(odds_against, amount, factor[:, None])
        stages = tuple(_exponentiate_parts(part, -1.0) for part in parts[1:])
        return _OutcomeTable(odds_against, stages, self.posterior.weights)


def draw_chunks(
    fitted_reward: FittedReward,
    draws: int,
    seed: int,
    variants: Integers,
    *,
    bias: Mapping[str, float] | None = None,
    size: int | None = None,
) -> Iterator[DrawChunk]:
    """Yield joint draws in chunks of `size`, or of about MAX_CHUNK_NUMBERS numbers.

    The draws depend on the seed, not on the chunks. `variants` are the V indices of
    interest. `bias` widens the deviations of factors (see posterior.draw_deviations).

    Raises ValueError for a factor that the design does not have or a bias below -1, and
    FloatingPointError if a covariance is not finite with positive variances.
    """
    posterior = to_reward_posterior(fitted_reward)
    parts = posterior.posteriors
    max_size = max(16, compute_chunk_size(posterior.design) // len(parts))
    chunk_size = min(size or max_size, max_size)
    splitter = PredictorSplitter(posterior.design, variants)
    seeds: list[int | list[int]] = [seed]
    seeds += [[seed, index] for index in range(1, len(parts))]
    streams = [
        draw_deviations(part, draws, part_seed, chunk_size, bias)
        for part, part_seed in zip(parts, seeds, strict=True)
    ]
    smearing = np.random.default_rng([seed, 1000]).standard_normal(draws)
    start = 0
    for deviations in zip(*streams, strict=True):
        rows = slice(start, start + len(deviations[0]))
        yield DrawChunk(posterior, deviations, smearing[rows], splitter)
        start = rows.stop


class RewardTable:
    """Rewards of some draws, computed for one context cell at a time."""

    __slots__ = ()

    def compute_reward(self, levels: Integers) -> Floats:
        """Return expected rewards [draws, V] in the context cell of `levels`."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _SinglePartTable(RewardTable):
    parts: PredictorParts
    link: LinkFunction

    def compute_reward(self, levels: Integers) -> Floats:
        return self.link(self.parts.predictor(levels))


@dataclass(frozen=True, slots=True)
class _PartProduct:
    """exp(± predictor) as a product of parts: no exponential per context cell.

    `variant` [draws, V]; `contexts` [levels, draws, V] for each context factor.
    """

    variant: Floats
    contexts: tuple[Floats, ...]

    def at(self, levels: Integers) -> Floats:
        total = self.variant
        for table, level in zip(self.contexts, levels, strict=True):
            total = total * table[level]
        return total


@dataclass(frozen=True, slots=True)
class _HurdleTable(RewardTable):
    """Amount / (1 + odds against paying); `factor` [draws, 1] is the signed smearing."""

    odds_against: _PartProduct
    amount: _PartProduct
    factor: Floats

    def compute_reward(self, levels: Integers) -> Floats:
        amount = self.factor * self.amount.at(levels)
        return amount / (1.0 + self.odds_against.at(levels))


@dataclass(frozen=True, slots=True)
class _OutcomeTable(RewardTable):
    """Odds against any outcome, and in each of the `stages` against that outcome."""

    odds_against: _PartProduct
    stages: tuple[_PartProduct, ...]
    weights: tuple[float, ...]

    def compute_reward(self, levels: Integers) -> Floats:
        """Return the sum of weight times probability.

        It is computed from the last outcome, which takes the remaining probability, to
        the first.
        """
        value: Floats | float = self.weights[-1]
        stages = list(zip(self.stages, self.weights[:-1], strict=True))
        for stage, weight in reversed(stages):
            value = value + (weight - value) / (1.0 + stage.at(levels))
        return np.asarray(value / (1.0 + self.odds_against.at(levels)))


def _exponentiate_parts(parts: PredictorParts, sign: float) -> _PartProduct:
    limit = MAX_LOG / (1 + len(parts.context))

    def exponentiate(table: Floats) -> Floats:
        return np.asarray(np.exp(np.clip(sign * table, -limit, limit)))

    contexts = tuple(
        exponentiate(personal + main[:, :, None])
        for personal, main in zip(parts.personal, parts.context, strict=True)
    )
    return _PartProduct(exponentiate(parts.variant), contexts)


def _apply_identity(predictor: Floats) -> Floats:
    return predictor
