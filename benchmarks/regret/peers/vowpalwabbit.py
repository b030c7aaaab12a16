"""Vowpal Wabbit: cb_explore_adf, crossing design pairs, and design with context.

Its linear model is over factors, as ours is, and not one per variant. Parsed examples are
reused within a batch, which gives the same weights as parsing every row and is several
times as fast.
"""

from typing import Any, ClassVar

import numpy as np
from vowpalwabbit import Workspace

from benchmarks.regret.problem import Problem
from models_app.bandit.design.design import Floats, Integers

# Costs must lie in 0..1, so amounts are capped here.
AMOUNT_CAP = 300.0
MIN_PROPENSITY = 1e-4
COST_RANGE = "--cb_min_cost -1 --cb_max_cost 0"


class VowpalWabbit:
    """One exploration algorithm, selected by command line flags."""

    name: str
    flags: ClassVar[str]
    # Costs in -1..0 instead of 0..1.
    negative_costs: ClassVar[bool] = False
    # First users decided one by one, for an algorithm that counts its calls.
    per_user_until: ClassVar[int] = 0

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
        self.decided = 0

    def assign(self, context: int, n: int) -> tuple[Integers, Floats | None]:
        """Draw from the library's probabilities."""
        variants = self.problem.variants
        if self.decided < self.per_user_until:
            self.decided += n
            rows = [self._predict_probabilities(context) for _ in range(n)]
            picks = np.array([self.rng.choice(variants, p=row) for row in rows])
            return picks, np.array(rows)[np.arange(n), picks]
        probabilities = self._predict_probabilities(context)
        picks = self.rng.choice(variants, n, p=probabilities)
        return picks, probabilities[picks]

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
            example = self.workspace.parse(self._build_labeled_lines(*user))
            self.workspace.learn(example)
            if self.problem.reward_kind == "numeric" and user[2] > 0:
                self.workspace.finish_example(example)
            else:
                parsed[user] = example
        for example in parsed.values():
            self.workspace.finish_example(example)

    def intervals(self) -> None:
        """Return None: the library has no intervals."""

    def _build_lines(self, context: int) -> list[str]:
        return [*self.shared[context : context + 1], *self.design]

    def _build_labeled_lines(
        self, context: int, variant: int, reward: float, propensity: float
    ) -> list[str]:
        lines = self._build_lines(context)
        index = variant + len(lines) - len(self.design)
        cost, propensity = self._compute_cost(reward), max(propensity, MIN_PROPENSITY)
        lines[index] = f"0:{cost:.6f}:{propensity:.6f} " + lines[index]
        return lines

    def _compute_cost(self, reward: float) -> float:
        maxima = {"numeric": AMOUNT_CAP, "outcomes": max(self.problem.outcome_weights)}
        share = min(reward / maxima.get(self.problem.reward_kind, 1.0), 1.0)
        return 1.0 - share - (1.0 if self.negative_costs else 0.0)

    def _predict_probabilities(self, context: int) -> Floats:
        example = self.workspace.parse(self._build_lines(context))
        prediction = np.array(self.workspace.predict(example), dtype=np.float64)
        self.workspace.finish_example(example)
        positive: Floats = np.maximum(prediction, 0.0)
        return np.asarray(positive / positive.sum())


def _format_features(letter: str, levels: Integers) -> str:
    return " ".join(f"{letter}{i}={level}" for i, level in enumerate(levels))


def _build_engine(
    name: str, flags: str, *, per_user_until: int = 0
) -> type[VowpalWabbit]:
    """Return an engine class; the tuned ones have costs in -1..0.

    They were tuned on W1, seeds 2000 to 2002, and use the same settings on all workloads.
    """
    attributes = {
        "name": name,
        "flags": flags,
        "per_user_until": per_user_until,
        "negative_costs": name.endswith("_tuned"),
    }
    return type(name, (VowpalWabbit,), attributes)


ENGINES = {
    engine.name: engine
    for engine in (
        _build_engine("vw_squarecb", "--squarecb"),
        _build_engine(
            "vw_squarecb_tuned", f"--squarecb --gamma_scale 1000 --coin {COST_RANGE}"
        ),
        _build_engine("vw_regcb", "--regcb"),
        _build_engine("vw_regcb_tuned", f"--regcb --mellowness 0.00001 {COST_RANGE}"),
        _build_engine("vw_bag10", "--bag 10"),
        _build_engine("vw_bag10_tuned", "--bag 10 --coin"),
        _build_engine("vw_cover5", "--cover 5"),
        _build_engine("vw_cover5_tuned", "--cover 5 --psi 0.01 --nounif --coin"),
        _build_engine("vw_first10k", "--first 10000", per_user_until=10_000),
        _build_engine(
            "vw_first10k_tuned", "--first 10000 --coin", per_user_until=10_000
        ),
    )
}
