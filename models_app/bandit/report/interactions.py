"""Interactions: how far two levels deviate from the sum of their effects alone."""

from dataclasses import dataclass
from itertools import combinations, product
from typing import Literal

from models_app.bandit.data.cells import TrainingCells, sum_by_index
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.report.posterior_draws import (
    CountedUsers,
    PosteriorEstimate,
    RewardDraws,
    summarize_draws,
)

InteractionKind = Literal["synergy", "saturation", "conflict"]

# Users needed in each of the four pairs of levels that a deviation compares.
MINIMUM_USERS_PER_PAIR = 200

REASON_UNSURE = "the interval of the deviation includes 0"
REASON_MIXED = (
    "one of the two levels helps on its own and the other harms; no kind describes that"
)
REASON_LEFT_OUT = "the model has too many coefficients and leaves this interaction out"


@dataclass(frozen=True, slots=True)
class Interaction:
    """A pair of levels of two factors, neither the first level of its factor.

    Attributes
    ----------
    factors, levels: names.
    users: users who saw both levels, whatever their age.
    deviation: reward with both levels minus the additive prediction, which is the
        reward with neither plus what each adds alone. In units of the reward, over the
        mix of context cells and evenly over the other factors.
    kind: name of the deviation; see `estimate_interactions`.
    withheld: why `deviation` or `kind` is None.

    """

    factors: tuple[str, str]
    levels: tuple[str, str]
    users: int
    deviation: PosteriorEstimate | None
    kind: InteractionKind | None
    withheld: str | None = None


def estimate_interactions(
    design: Design,
    draws: RewardDraws,
    cells: TrainingCells,
    sign: float = 1.0,
    *,
    users: CountedUsers | None = None,
) -> tuple[Interaction, ...]:
    """Estimate the interaction of every pair of levels of two factors.

    `sign` is 1 if a high reward is good, -1 if a low one is. `users` are all users of any
    age; None: those of `cells`. Deviations are computed
    per joint posterior draw, so time strata and the mix of context cells are those of
    the model.

    A deviation for the worse is a `conflict`. One for the better is `synergy` if
    neither level harms alone, and `saturation` if both do: their harm does not add up,
    which is no reason to combine them. A deviation that may be 0 has no kind.
    """
    if users is None:
        seen = cells.users if cells.seen is None else cells.seen
        users_by_variant = sum_by_index(cells.variant, seen, design.variants)
    else:
        users_by_variant = users.by_variant
    estimates = []
    for f, g in combinations(range(len(design.sizes)), 2):
        reward = _average_by_pair(design, draws.reward, f, g)
        pair_users = _sum_users_by_pair(design, users_by_variant, f, g)
        left_out = _is_left_out(design, f, g)
        for x, y in product(range(1, design.sizes[f]), range(1, design.sizes[g])):
            pair = _LevelPair(design, (f, g), (x, y))
            estimates.append(
                pair.estimate_interaction(reward, pair_users, sign, left_out=left_out)
            )
    return tuple(estimates)


@dataclass(frozen=True, slots=True)
class _LevelPair:
    """Two levels of two factors, by index."""

    design: Design
    factors: tuple[int, int]
    levels: tuple[int, int]

    def estimate_interaction(
        self, reward: Floats, users: Floats, sign: float, *, left_out: bool
    ) -> Interaction:
        """Return it from rewards [draws, f, g] and users [f, g] of all level pairs."""
        x, y = self.levels
        withheld = REASON_LEFT_OUT if left_out else self._explain_too_few_users(users)
        if withheld is not None:
            return self._build_interaction(users, None, None, withheld)
        neither = reward[:, 0, 0]
        effects = reward[:, x, 0] - neither, reward[:, 0, y] - neither
        deviation = summarize_draws(reward[:, x, y] - neither - effects[0] - effects[1])
        kind, reason = _classify_deviation(
            deviation, [sign * float(effect.mean()) for effect in effects], sign
        )
        return self._build_interaction(users, deviation, kind, reason)

    def _build_interaction(
        self,
        users: Floats,
        deviation: PosteriorEstimate | None,
        kind: InteractionKind | None,
        withheld: str | None,
    ) -> Interaction:
        (f, g), (x, y) = self.factors, self.levels
        first, second = self.design.factors[f], self.design.factors[g]
        return Interaction(
            factors=(first.name, second.name),
            levels=(first.levels[x], second.levels[y]),
            users=round(float(users[x, y])),
            deviation=deviation,
            kind=kind,
            withheld=withheld,
        )

    def _explain_too_few_users(self, users: Floats) -> str | None:
        """Return which of the four compared pairs has too few users, or None."""
        (f, g), (x, y) = self.factors, self.levels
        compared = [(a, b) for a in (0, x) for b in (0, y)]
        a, b = min(compared, key=lambda pair: users[pair])
        if users[a, b] >= MINIMUM_USERS_PER_PAIR:
            return None
        first, second = self.design.factors[f], self.design.factors[g]
        pair = f"{first.name} {first.levels[a]} with {second.name} {second.levels[b]}"
        count = round(float(users[a, b]))
        return f"only {count} users saw {pair}; {MINIMUM_USERS_PER_PAIR} are needed"


def _classify_deviation(
    deviation: PosteriorEstimate, effects: list[float], sign: float
) -> tuple[InteractionKind | None, str | None]:
    """Return the kind of a deviation, or None and the reason.

    `effects` are those of each level alone; positive ones are better.
    """
    if deviation.lo <= 0 <= deviation.hi:
        return None, REASON_UNSURE
    if sign * deviation.mean < 0:
        return "conflict", None
    if min(effects) >= 0:
        return "synergy", None
    return ("saturation", None) if max(effects) < 0 else (None, REASON_MIXED)


def _average_by_pair(design: Design, reward: Floats, f: int, g: int) -> Floats:
    """Return rewards [draws, levels of f, levels of g], averaged over other factors."""
    others = tuple(1 + axis for axis in range(len(design.sizes)) if axis not in {f, g})
    table: Floats = reward.reshape(len(reward), *design.sizes).mean(axis=others)
    return table


def _sum_users_by_pair(design: Design, users: Floats, f: int, g: int) -> Floats:
    """Return users [levels of f, levels of g] from users [V]."""
    others = tuple(axis for axis in range(len(design.sizes)) if axis not in {f, g})
    table: Floats = users.reshape(design.sizes).sum(axis=others)
    return table


def _is_left_out(design: Design, f: int, g: int) -> bool:
    """Return whether the model lacks the interaction of the two factors."""
    if 1 in {design.sizes[f], design.sizes[g]}:
        return False
    return not any(
        term.kind == "pair" and term.factors == (f, g) for term in design.terms
    )
