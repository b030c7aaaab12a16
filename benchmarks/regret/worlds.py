"""One seed's world: a truth that engines do not see, its users, and what they reward."""

from itertools import combinations
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from benchmarks.regret.workloads import Workload, build_grid
from models_app.bandit.design.design import Floats, Integers

MOST_TRIES = 20_000


def expit(log_odds: Floats) -> Floats:
    """Chances of log odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))


class World:
    """Truth, users and rewards from streams of their own.

    So engines that run with one seed face the same truth and the same users in the
    same order, whatever they decide. [S, V] is context cell by variant.
    """

    def __init__(self, workload: Workload, seed: int) -> None:
        self.workload = workload
        self._truth = np.random.default_rng([seed, 11])
        self._users = np.random.default_rng([seed, 22])
        self._rewards = np.random.default_rng([seed, 33])
        self._levels = build_grid(workload.factors)
        self._context_levels = build_grid(workload.contexts)
        self._batch = 0
        self._flipping = np.zeros(workload.variants)
        for _ in range(MOST_TRIES):
            design = self._draw()
            if self._wanted(design):
                break
        self.context_share = np.ones(1)
        if workload.segments > 1:
            even = np.full(workload.segments, 8.0)
            self.context_share = self._truth.dirichlet(even)

    def contexts(self, users: int) -> Integers:
        """Context cells [users] of those who arrive."""
        segments = self.workload.segments
        if segments == 1:
            return np.zeros(users, dtype=np.int64)
        return self._users.choice(segments, users, p=self.context_share)

    def rewards(self, contexts: Integers, variants: Integers) -> Floats:
        """Draw what users [n] of these cells are worth."""
        workload, rng = self.workload, self._rewards
        at = contexts, variants
        hit = rng.random(len(variants)) < expit(self._log_odds()[at])
        if workload.reward_kind == "numeric":
            noise = np.exp(rng.normal(0, workload.amount_log_sd, len(variants)))
            return np.asarray(hit * noise * np.exp(self._log_amount[at]))
        if workload.reward_kind == "outcomes":
            basic, better = workload.outcome_weights
            is_better = rng.random(len(variants)) < expit(self._better[at])
            return np.asarray(hit * np.where(is_better, better, basic))
        return hit.astype(np.float64)

    def advance(self) -> None:
        """Let time pass by one batch."""
        self._batch += 1

    def mean(self) -> Floats:
        """Expected reward [S, V] now."""
        workload, rate = self.workload, expit(self._log_odds())
        if workload.reward_kind == "numeric":
            return rate * np.exp(self._log_amount) * exp(workload.amount_log_sd**2 / 2)
        if workload.reward_kind == "outcomes":
            basic, better = workload.outcome_weights
            share = expit(self._better)
            return rate * (basic * (1 - share) + better * share)
        return rate

    def _log_odds(self) -> Floats:
        workload, now = self.workload, self._base
        if workload.drift_end:
            done = self._batch / max(1, workload.batches - 1)
            now = now + np.log1p(workload.drift_end * done)
        if workload.flip_half_way and self._batch >= workload.batches // 2:
            now = now - 2 * self._flipping[None, :]
        return now

    def _draw(self) -> Floats:
        """Draw a truth; returns what of it [S, V] depends on the variant."""
        workload = self.workload
        main, deviation = workload.main_sd, workload.interaction_sd
        design = self._effects(main, workload.interactions, deviation)
        if workload.personal_sd:
            self._personalize(design)
        self._base = design.copy()
        if workload.context_sd:
            self._shift(self._base)
        self._base += log(workload.base_rate / (1 - workload.base_rate))
        if workload.reward_kind == "numeric":
            amounts = self._effects(workload.amount_sd, 0, 0.0)
            self._log_amount = workload.amount_log_mean + amounts
        if workload.reward_kind == "outcomes":
            share = workload.better_share
            self._better = log(share / (1 - share)) + self._effects(main, 1, deviation)
        return design

    def _effects(self, main_sd: float, interactions: int, sd: float) -> Floats:
        """Draw effects [S, V] of the design alone, the first deviation kept apart."""
        workload, rng = self.workload, self._truth
        total = np.zeros(workload.variants)
        for factor, size in enumerate(workload.factors):
            total += rng.normal(0, main_sd, size)[self._levels[:, factor]]
        pairs = self._pairs()
        if interactions:
            chosen = rng.choice(len(pairs), interactions, replace=False)
            for number, pair in enumerate(chosen):
                effect = rng.normal(0, sd) * pairs[pair]
                total += effect
                if number == 0 and workload.flip_half_way:
                    self._flipping = effect
        return np.tile(total, (workload.segments, 1))

    def _pairs(self) -> list[NDArray[np.bool_]]:
        """Variants [V] that have both levels, for each pair of design levels."""
        sizes, levels = self.workload.factors, self._levels
        return [
            (levels[:, a] == i) & (levels[:, b] == j)
            for a, b in combinations(range(len(sizes)), 2)
            for i in range(sizes[a])
            for j in range(sizes[b])
        ]

    def _personalize(self, design: Floats) -> None:
        """Add effects of context levels on design levels to the design's [S, V]."""
        workload = self.workload
        for factor, size in enumerate(workload.factors):
            for context, levels in enumerate(workload.contexts):
                drawn = self._truth.normal(0, workload.personal_sd, (levels, size))
                by_segment = drawn[self._context_levels[:, context]]
                design += by_segment[:, self._levels[:, factor]]

    def _shift(self, log_odds: Floats) -> None:
        """Add effects of context levels on every variant alike to [S, V]."""
        for context, levels in enumerate(self.workload.contexts):
            drawn = self._truth.normal(0, self.workload.context_sd, levels)
            log_odds += drawn[self._context_levels[:, context]][:, None]

    def _wanted(self, design: Floats) -> bool:
        """Tell whether as many context cells as asked for have their own best variant."""
        share = self.workload.share_of_segments_differing
        if share is None:
            return True
        commonest = np.bincount(design.argmax(axis=1)).max()
        segments = self.workload.segments
        return bool(segments - commonest == round(share * segments))
