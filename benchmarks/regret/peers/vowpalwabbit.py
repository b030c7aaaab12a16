"""Vowpal Wabbit: cb_explore_adf with design pairs and design by context crossed.

Its linear model is over factors, as ours is, not one per variant. Parsed examples are
used again within a batch: the same weights as parsing every row, several times as fast.
"""

from typing import Any, ClassVar

import numpy as np
from vowpalwabbit import Workspace

from benchmarks.regret.problem import Problem
from models_app.bandit.design.design import Floats, Integers

AMOUNT_CAP = 300.0
"""Costs must lie in 0..1: revenue beyond this counts as this."""

SMALLEST_PROPENSITY = 1e-4
BETWEEN = "--cb_min_cost -1 --cb_max_cost 0"


class VowpalWabbit:
    """One way of exploring, by its command line."""

    name: str
    flags: ClassVar[str]
    negative_costs: ClassVar[bool] = False
    """Costs in -1..0 instead of 0..1."""
    per_user_until: ClassVar[int] = 0
    """Users decided one by one, for exploration that counts its calls."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem = problem
        self.rng = np.random.default_rng([seed, 77])
        crossed = "-q dd" + (" -q cd" if problem.contexts else "")
        self.workspace = Workspace(
            f"--cb_explore_adf {self.flags} {crossed} --quiet"
            f" --random_seed {seed % 100_000 + 1}"
        )
        self.design = ["|d " + _format_features("f", row) for row in problem.levels]
        self.shared: list[str] = []
        if problem.contexts:
            rows = problem.context_levels
            self.shared = ["shared |c " + _format_features("c", row) for row in rows]
        self.seen = 0

    def assign(self, context: int, n: int) -> tuple[Integers, Floats | None]:
        """Draw from the probabilities that it gives."""
        if self.seen < self.per_user_until:
            self.seen += n
            rows = [self._probabilities(context) for _ in range(n)]
            one = [self.rng.choice(self.problem.variants, p=row) for row in rows]
            picks = np.array(one)
            return picks, np.array(rows)[np.arange(n), picks]
        row = self._probabilities(context)
        picks = self.rng.choice(self.problem.variants, n, p=row)
        return picks, row[picks]

    def learn(
        self,
        contexts: Integers,
        variants: Integers,
        rewards: Floats,
        propensities: Floats,
    ) -> None:
        """Learn user by user; equal users are parsed once."""
        parsed: dict[tuple[int, int, float, float], Any] = {}
        columns = contexts, variants, rewards, propensities
        for user in zip(*(column.tolist() for column in columns), strict=True):
            if user in parsed:
                self.workspace.learn(parsed[user])
                continue
            example = self.workspace.parse(self._labelled(*user))
            self.workspace.learn(example)
            if self.problem.reward_kind == "numeric" and user[2] > 0:
                self.workspace.finish_example(example)
            else:
                parsed[user] = example
        for example in parsed.values():
            self.workspace.finish_example(example)

    def intervals(self) -> None:
        """Tell nothing."""

    def _lines(self, context: int) -> list[str]:
        return [*self.shared[context : context + 1], *self.design]

    def _labelled(
        self, context: int, variant: int, reward: float, propensity: float
    ) -> list[str]:
        lines = self._lines(context)
        place = variant + len(lines) - len(self.design)
        known = max(propensity, SMALLEST_PROPENSITY)
        lines[place] = f"0:{self._cost(reward):.6f}:{known:.6f} " + lines[place]
        return lines

    def _cost(self, reward: float) -> float:
        most = {"numeric": AMOUNT_CAP, "outcomes": max(self.problem.outcome_weights)}
        share = min(reward / most.get(self.problem.reward_kind, 1.0), 1.0)
        return 1.0 - share - (1.0 if self.negative_costs else 0.0)

    def _probabilities(self, context: int) -> Floats:
        example = self.workspace.parse(self._lines(context))
        found = np.array(self.workspace.predict(example), dtype=np.float64)
        self.workspace.finish_example(example)
        positive: Floats = np.maximum(found, 0.0)
        return np.asarray(positive / positive.sum())


def _format_features(letter: str, levels: Integers) -> str:
    return " ".join(f"{letter}{i}={level}" for i, level in enumerate(levels))


def _make_engine(name: str, flags: str, *, first: int = 0) -> type[VowpalWabbit]:
    """One way of exploring; the tuned ones have costs in -1..0.

    Tuned on W1, seeds 2000 to 2002, with the same settings for all workloads.
    """
    more = {
        "name": name,
        "flags": flags,
        "per_user_until": first,
        "negative_costs": name.endswith("_tuned"),
    }
    return type(name, (VowpalWabbit,), more)


ENGINES = {
    each.name: each
    for each in (
        _make_engine("vw_squarecb", "--squarecb"),
        _make_engine(
            "vw_squarecb_tuned", f"--squarecb --gamma_scale 1000 --coin {BETWEEN}"
        ),
        _make_engine("vw_regcb", "--regcb"),
        _make_engine("vw_regcb_tuned", f"--regcb --mellowness 0.00001 {BETWEEN}"),
        _make_engine("vw_bag10", "--bag 10"),
        _make_engine("vw_bag10_tuned", "--bag 10 --coin"),
        _make_engine("vw_cover5", "--cover 5"),
        _make_engine("vw_cover5_tuned", "--cover 5 --psi 0.01 --nounif --coin"),
        _make_engine("vw_first10k", "--first 10000", first=10_000),
        _make_engine("vw_first10k_tuned", "--first 10000 --coin", first=10_000),
    )
}
