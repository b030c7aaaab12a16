"""The regret yardstick: same worlds for everyone, and losses that mean what they say."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from benchmarks.regret import baselines, ours, regression
from benchmarks.regret.problem import Engine, Problem
from benchmarks.regret.simulate import simulate_run
from benchmarks.regret.workloads import WORKLOADS, Workload
from benchmarks.regret.worlds import World
from models_app.bandit.design.design import Floats, Integers

SEED = 5000
SMALL = {
    name: replace(workload, users=8_000, batches=4)
    for name, workload in WORKLOADS.items()
}
ENGINES = ours.OUR_ENGINES | baselines.ENGINES | regression.ENGINES


# Of the reference yardstick, seed 5000: mean reward at first, the best one after thirty
# batches, the sum of 500 context indices and of 500 rewards.
REFERENCE = [
    ("W1", 0.0464436256112028, 0.07014352935625269, 0, 24.0),
    ("W2", 0.026450162923410143, 0.04436909767909279, 0, 10.0),
    ("W3", 0.05416176788994074, 0.1482511358235154, 2755, 25.0),
    ("W4", 2.0523659633188127, 2.736453859102017, 0, 1145.7603477318976),
    ("W5", 0.0464436256112028, 0.085846858591477, 0, 28.0),
    ("W7", 0.06449878388509818, 0.07942192909402306, 0, 37.0),
]


@pytest.mark.parametrize(("name", "mean", "best", "contexts", "rewards"), REFERENCE)
def test_a_seed_is_the_same_world_as_in_the_reference(
    name: str, mean: float, best: float, contexts: int, rewards: float
) -> None:
    world = World(WORKLOADS[name], SEED)
    variants = np.arange(500) % WORKLOADS[name].variants

    first = world.mean().mean()
    for _ in range(30):
        world.advance()
    came = world.contexts(500)
    worth = world.rewards(came, variants)

    assert first == pytest.approx(mean, rel=1e-12)
    assert world.mean().max() == pytest.approx(best, rel=1e-12)
    assert came.sum() == contexts
    assert worth.sum() == pytest.approx(rewards, rel=1e-12)


def test_the_flip_changes_which_variant_is_best_in_the_middle() -> None:
    winners = []
    for seed in range(20):
        world = World(WORKLOADS["W5"], seed)
        before = world.mean()[0].argmax()
        for _ in range(WORKLOADS["W5"].batches // 2):
            world.advance()
        winners.append(before != world.mean()[0].argmax())

    assert 3 < sum(winners) < 20


@pytest.mark.parametrize("name", WORKLOADS)
def test_rewards_average_to_the_truth(name: str) -> None:
    world = World(WORKLOADS[name], SEED)
    contexts = world.contexts(200_000)
    variants = np.random.default_rng(1).integers(0, world.workload.variants, 200_000)

    rewards = world.rewards(contexts, variants)

    expected = world.mean()[contexts, variants].mean()
    error = rewards.std() / np.sqrt(len(rewards))
    assert abs(rewards.mean() - expected) < 3.5 * error


def oracle_of(workload: Workload) -> type[Engine]:
    """An engine that cheats: it reads the truth of its seed."""

    class Oracle:
        name = "oracle"

        def __init__(self, problem: Problem, seed: int) -> None:
            self.world = World(workload, seed)
            self.mean = np.zeros((problem.segments, problem.variants))

        def assign(self, context: int, n: int) -> tuple[Integers, Floats | None]:
            return np.full(n, self.world.mean()[context].argmax()), None

        def learn(
            self,
            contexts: Integers,
            variants: Integers,
            rewards: Floats,
            propensities: Floats,
        ) -> None:
            del contexts, variants, rewards, propensities
            self.mean = self.world.mean()
            self.world.advance()

        def intervals(self) -> tuple[Floats, Floats]:
            return self.mean, self.mean

    return Oracle


@pytest.mark.parametrize("name", WORKLOADS)
def test_who_knows_the_truth_loses_nothing(name: str) -> None:
    found = simulate_run(SMALL[name], oracle_of(SMALL[name]), SEED)

    assert (found.regret_percent, found.late_regret_percent) == (0.0, 0.0)
    assert found.best_share == pytest.approx(1.0)
    assert (found.coverage, found.width) == (1.0, 0.0)


@pytest.mark.parametrize("name", WORKLOADS)
def test_even_allocation_loses_a_hundred_percent(name: str) -> None:
    found = simulate_run(SMALL[name], baselines.Uniform, SEED)

    assert found.regret_percent == pytest.approx(100, abs=4)
    assert found.coverage is None


@dataclass(slots=True)
class Seen:
    """What an engine was shown and what it decided."""

    contexts: list[Integers]
    variants: list[Integers]


def watched(engine: type[Engine]) -> tuple[type[Engine], Seen]:
    """The engine, and a record of the users it meets."""
    seen = Seen([], [])

    class Watched:
        name = engine.name

        def __init__(self, problem: Problem, seed: int) -> None:
            self.engine = engine(problem, seed)
            self.assign, self.intervals = self.engine.assign, self.engine.intervals

        def learn(
            self,
            contexts: Integers,
            variants: Integers,
            rewards: Floats,
            propensities: Floats,
        ) -> None:
            seen.contexts.append(contexts)
            seen.variants.append(variants)
            self.engine.learn(contexts, variants, rewards, propensities)

    return Watched, seen


def test_engines_of_one_seed_face_the_same_users() -> None:
    engines = [watched(ENGINES[name]) for name in ("ours", "beta_ts_mab")]

    runs = [simulate_run(SMALL["W3"], engine, SEED) for engine, _ in engines]

    one, other = (seen for _, seen in engines)
    assert np.array_equal(one.contexts, other.contexts)
    assert not np.array_equal(one.variants, other.variants)
    assert runs[0].regret_percent != runs[1].regret_percent


def test_a_repeat_is_other_randomness_for_the_same_users() -> None:
    engines = [watched(ENGINES["beta_ts_mab"]) for _ in range(3)]

    for repeat, (engine, _) in zip((0, 0, 1), engines, strict=True):
        simulate_run(SMALL["W3"], engine, SEED, repeat)

    first, same, repeated = (seen for _, seen in engines)
    assert np.array_equal(first.contexts, repeated.contexts)
    assert np.array_equal(first.variants, same.variants)
    assert not np.array_equal(first.variants, repeated.variants)


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_runs_every_workload(name: str, engine: str) -> None:
    found = simulate_run(SMALL[name], ENGINES[engine], SEED)

    assert found.engine == engine
    assert 0 < found.regret_percent < 130
    assert (found.coverage is None) == (engine in {"uniform", "sklearn_lr_egreedy"})
