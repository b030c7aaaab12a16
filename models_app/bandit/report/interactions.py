"""What two levels do together beyond what each does alone, and what to call it."""

from dataclasses import dataclass
from itertools import combinations, product
from typing import Literal

from models_app.bandit.data.cells import TrainingCells, sum_by_index
from models_app.bandit.design.design import Design, Floats
from models_app.bandit.report.posterior_draws import (
    PosteriorEstimate,
    RewardDraws,
    summarize_draws,
)

InteractionKind = Literal["synergy", "saturation", "conflict"]

MINIMUM_USERS_PER_PAIR = 200
"""Users that each of the four pairs behind a deviation must have."""

REASON_UNSURE = "the interval of the deviation includes 0"
REASON_MIXED = (
    "alone one of the two levels helps and the other harms: no kind is for that"
)
REASON_LEFT_OUT = "the model has too many coefficients and leaves this interaction out"


@dataclass(frozen=True, slots=True)
class Interaction:
    """A pair of levels, neither of them its factor's first.

    `deviation` is the reward with both, less the additive prediction: the reward with
    neither, plus what each adds alone. In units of the reward, over the mix of contexts
    and evenly over the other factors. `users` have been shown both, an immature one
    counted by the share of rewards that has come. `withheld` says why `deviation` or
    `kind` is None.
    """

    factors: tuple[str, str]
    levels: tuple[str, str]
    users: int
    deviation: PosteriorEstimate | None
    kind: InteractionKind | None
    withheld: str | None = None


def estimate_interactions(
    design: Design, drawn: RewardDraws, cells: TrainingCells, sign: float = 1.0
) -> tuple[Interaction, ...]:
    """Judge every pair of levels of two factors; more is better where `sign` is 1.

    Per joint posterior draw, so time strata and the mix of contexts are those of the
    model. `conflict` is a deviation for the worse; one for the better is `synergy` where
    neither level does harm alone, `saturation` where both do: their harm does not stack,
    which is no advice to combine them. No kind is given to a deviation that may be 0.
    """
    shown = sum_by_index(cells.variant, cells.users, design.variants)
    found = []
    for f, g in combinations(range(len(design.sizes)), 2):
        reward, users = (
            _average_by_pair(design, drawn.reward, f, g),
            _sum_users_by_pair(design, shown, f, g),
        )
        left_out = _is_left_out(design, f, g)
        for x, y in product(range(1, design.sizes[f]), range(1, design.sizes[g])):
            pair = _LevelPair(design, (f, g), (x, y))
            found.append(
                pair.estimate_interaction(reward, users, sign, left_out=left_out)
            )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _LevelPair:
    """Two levels of two factors, by index."""

    design: Design
    factors: tuple[int, int]
    levels: tuple[int, int]

    def estimate_interaction(
        self, reward: Floats, users: Floats, sign: float, *, left_out: bool
    ) -> Interaction:
        """Judge the pair by rewards [draws, f, g] and users [f, g] of all pairs."""
        x, y = self.levels
        withheld = REASON_LEFT_OUT if left_out else self._explain_too_few_users(users)
        if withheld is not None:
            return self._build_interaction(users, None, None, withheld)
        neither = reward[:, 0, 0]
        alone = reward[:, x, 0] - neither, reward[:, 0, y] - neither
        deviation = summarize_draws(reward[:, x, y] - neither - alone[0] - alone[1])
        kind, why = _classify_deviation(
            deviation, [sign * float(one.mean()) for one in alone], sign
        )
        return self._build_interaction(users, deviation, kind, why)

    def _build_interaction(
        self,
        users: Floats,
        deviation: PosteriorEstimate | None,
        kind: InteractionKind | None,
        withheld: str | None,
    ) -> Interaction:
        (f, g), (x, y) = self.factors, self.levels
        one, other = self.design.factors[f], self.design.factors[g]
        return Interaction(
            factors=(one.name, other.name),
            levels=(one.levels[x], other.levels[y]),
            users=round(float(users[x, y])),
            deviation=deviation,
            kind=kind,
            withheld=withheld,
        )

    def _explain_too_few_users(self, users: Floats) -> str | None:
        (f, g), (x, y) = self.factors, self.levels
        needed = [(a, b) for a in (0, x) for b in (0, y)]
        a, b = min(needed, key=lambda pair: users[pair])
        if users[a, b] >= MINIMUM_USERS_PER_PAIR:
            return None
        one, other = self.design.factors[f], self.design.factors[g]
        return (
            f"{round(float(users[a, b]))} users were shown {one.name} {one.levels[a]} "
            f"with {other.name} {other.levels[b]}, {MINIMUM_USERS_PER_PAIR} are needed"
        )


def _classify_deviation(
    deviation: PosteriorEstimate, alone: list[float], sign: float
) -> tuple[InteractionKind | None, str | None]:
    """Name a deviation by what each level does `alone`, better being positive."""
    if deviation.lo <= 0 <= deviation.hi:
        return None, REASON_UNSURE
    if sign * deviation.mean < 0:
        return "conflict", None
    if min(alone) >= 0:
        return "synergy", None
    return ("saturation", None) if max(alone) < 0 else (None, REASON_MIXED)


def _average_by_pair(design: Design, reward: Floats, f: int, g: int) -> Floats:
    """Rewards [draws, levels of f, levels of g], averaged over the other factors."""
    others = tuple(1 + each for each in range(len(design.sizes)) if each not in {f, g})
    table: Floats = reward.reshape(len(reward), *design.sizes).mean(axis=others)
    return table


def _sum_users_by_pair(design: Design, shown: Floats, f: int, g: int) -> Floats:
    others = tuple(each for each in range(len(design.sizes)) if each not in {f, g})
    table: Floats = shown.reshape(design.sizes).sum(axis=others)
    return table


def _is_left_out(design: Design, f: int, g: int) -> bool:
    """Tell whether the model has no term for what the two factors do together."""
    if 1 in {design.sizes[f], design.sizes[g]}:
        return False
    return not any(
        term.kind == "pair" and term.factors == (f, g) for term in design.terms
    )
