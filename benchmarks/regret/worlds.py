"""The world of one seed: true effects that engines do not see, users and rewards."""

from itertools import combinations
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from benchmarks.regret.workloads import Workload, build_grid
from models_app.bandit.design.design import Floats, Integers

MAX_TRIES = 20_000


def expit(log_odds: Floats) -> Floats:
    """Return the chances of log odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))


class World:
    """Truth, users and rewards, each from a random stream of its own.

    Engines that run with one seed therefore meet the same truth and the same users in the
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
        for _ in range(MAX_TRIES):
            design = self._draw_truth()
            if self._has_wanted_segments(design):
                break
        self.context_share = np.ones(1)
        if workload.segments > 1:
            concentration = np.full(workload.segments, 8.0)
            self.context_share = self._truth.dirichlet(concentration)

    def draw_contexts(self, users: int) -> Integers:
        """Draw the context cells [users] of arriving users."""
        segments = self.workload.segments
        if segments == 1:
            return np.zeros(users, dtype=np.int64)
        return self._users.choice(segments, users, p=self.context_share)

    def draw_rewards(self, contexts: Integers, variants: Integers) -> Floats:
        """Draw the rewards [n] of users of these cells."""
        workload, rng = self.workload, self._rewards
        cell = contexts, variants
        converted = rng.random(len(variants)) < expit(self._compute_log_odds()[cell])
        if workload.reward_kind == "numeric":
            noise = np.exp(rng.normal(0, workload.amount_log_sd, len(variants)))
            return np.asarray(converted * noise * np.exp(self._log_amount[cell]))
        if workload.reward_kind == "outcomes":
            basic, better = workload.outcome_weights
            is_better = rng.random(len(variants)) < expit(self._better[cell])
            return np.asarray(converted * np.where(is_better, better, basic))
        return converted.astype(np.float64)

    def advance(self) -> None:
        """Move on to the next batch."""
        self._batch += 1

    def compute_means(self) -> Floats:
        """Return the current expected rewards [S, V]."""
        workload, rate = self.workload, expit(self._compute_log_odds())
        if workload.reward_kind == "numeric":
            return rate * np.exp(self._log_amount) * exp(workload.amount_log_sd**2 / 2)
        if workload.reward_kind == "outcomes":
            basic, better = workload.outcome_weights
            share = expit(self._better)
            return rate * (basic * (1 - share) + better * share)
        return rate

    def _compute_log_odds(self) -> Floats:
        workload, log_odds = self.workload, self._base
        if workload.drift_end:
            elapsed = self._batch / max(1, workload.batches - 1)
            log_odds = log_odds + np.log1p(workload.drift_end * elapsed)
        if workload.flip_half_way and self._batch >= workload.batches // 2:
            log_odds = log_odds - 2 * self._flipping[None, :]
        return log_odds

    def _draw_truth(self) -> Floats:
        """Draw the true effects; return those [S, V] that depend on the variant."""
        workload = self.workload
        main_sd, interaction_sd = workload.main_sd, workload.interaction_sd
        design = self._draw_design_effects(
            main_sd, workload.interactions, interaction_sd
        )
        if workload.personal_sd:
            self._add_personal_effects(design)
        self._base = design.copy()
        if workload.context_sd:
            self._add_context_effects(self._base)
        self._base += log(workload.base_rate / (1 - workload.base_rate))
        if workload.reward_kind == "numeric":
            amounts = self._draw_design_effects(workload.amount_sd, 0, 0.0)
            self._log_amount = workload.amount_log_mean + amounts
        if workload.reward_kind == "outcomes":
            share = workload.better_share
            effects = self._draw_design_effects(main_sd, 1, interaction_sd)
            self._better = log(share / (1 - share)) + effects
        return design

    def _draw_design_effects(
        self, main_sd: float, interactions: int, interaction_sd: float
    ) -> Floats:
        """Draw effects [S, V] of the design alone; remember the one that will flip."""
        workload, rng = self.workload, self._truth
        total = np.zeros(workload.variants)
        for factor, size in enumerate(workload.factors):
            total += rng.normal(0, main_sd, size)[self._levels[:, factor]]
        pairs = self._list_level_pairs()
        if interactions:
            chosen = rng.choice(len(pairs), interactions, replace=False)
            for number, pair in enumerate(chosen):
                effect = rng.normal(0, interaction_sd) * pairs[pair]
                total += effect
                if number == 0 and workload.flip_half_way:
                    self._flipping = effect
        return np.tile(total, (workload.segments, 1))

    def _list_level_pairs(self) -> list[NDArray[np.bool_]]:
        """Return the variants [V] with both levels, for each pair of design levels."""
        sizes, levels = self.workload.factors, self._levels
        return [
            (levels[:, a] == i) & (levels[:, b] == j)
            for a, b in combinations(range(len(sizes)), 2)
            for i in range(sizes[a])
            for j in range(sizes[b])
        ]

    def _add_personal_effects(self, design: Floats) -> None:
        """Add effects of context levels on design levels to the design's [S, V]."""
        workload = self.workload
        for factor, size in enumerate(workload.factors):
            for context, levels in enumerate(workload.contexts):
                effects = self._truth.normal(0, workload.personal_sd, (levels, size))
                by_segment = effects[self._context_levels[:, context]]
                design += by_segment[:, self._levels[:, factor]]

    def _add_context_effects(self, log_odds: Floats) -> None:
        """Add effects of context levels on all variants alike to [S, V]."""
        for context, levels in enumerate(self.workload.contexts):
            effects = self._truth.normal(0, self.workload.context_sd, levels)
            log_odds += effects[self._context_levels[:, context]][:, None]

    def _has_wanted_segments(self, design: Floats) -> bool:
        """Return whether the workload's share of context cells has another best variant."""
        share = self.workload.share_of_segments_differing
        if share is None:
            return True
        most_common = np.bincount(design.argmax(axis=1)).max()
        segments = self.workload.segments
        return bool(segments - most_common == round(share * segments))
