"""The regret benchmark: all engines meet the same worlds, and losses are right."""

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


# Figures of the reference implementation for seed 5000: first mean reward, best mean
# reward after thirty batches, sum of 500 context indices, sum of 500 rewards.
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

    first_mean = world.compute_means().mean()
    for _ in range(30):
        world.advance()
    arrived = world.draw_contexts(500)
    earned = world.draw_rewards(arrived, variants)

    assert first_mean == pytest.approx(mean, rel=1e-12)
    assert world.compute_means().max() == pytest.approx(best, rel=1e-12)
    assert arrived.sum() == contexts
    assert earned.sum() == pytest.approx(rewards, rel=1e-12)


def test_the_flip_half_way_changes_the_best_variant() -> None:
    changes = []
    for seed in range(20):
        world = World(WORKLOADS["W5"], seed)
        before = world.compute_means()[0].argmax()
        for _ in range(WORKLOADS["W5"].batches // 2):
            world.advance()
        changes.append(before != world.compute_means()[0].argmax())

    assert 3 < sum(changes) < 20


@pytest.mark.parametrize("name", WORKLOADS)
def test_rewards_average_to_the_truth(name: str) -> None:
    world = World(WORKLOADS[name], SEED)
    contexts = world.draw_contexts(200_000)
    variants = np.random.default_rng(1).integers(0, world.workload.variants, 200_000)

    rewards = world.draw_rewards(contexts, variants)

    expected = world.compute_means()[contexts, variants].mean()
    error = rewards.std() / np.sqrt(len(rewards))
    assert abs(rewards.mean() - expected) < 3.5 * error


def build_oracle(workload: Workload) -> type[Engine]:
    """Return an engine that reads the truth of its seed."""

    class Oracle:
        name = "oracle"

        def __init__(self, problem: Problem, seed: int) -> None:
            self.world = World(workload, seed)
            self.mean = np.zeros((problem.segments, problem.variants))

        def assign(self, context: int, n: int) -> tuple[Integers, Floats | None]:
            return np.full(n, self.world.compute_means()[context].argmax()), None

        def learn(
            self,
            contexts: Integers,
            variants: Integers,
            rewards: Floats,
            propensities: Floats,
        ) -> None:
            del contexts, variants, rewards, propensities
            self.mean = self.world.compute_means()
            self.world.advance()

        def intervals(self) -> tuple[Floats, Floats]:
            return self.mean, self.mean

    return Oracle


@pytest.mark.parametrize("name", WORKLOADS)
def test_an_engine_that_knows_the_truth_loses_nothing(name: str) -> None:
    run = simulate_run(SMALL[name], build_oracle(SMALL[name]), SEED)

    assert (run.regret_percent, run.late_regret_percent) == (0.0, 0.0)
    assert run.best_share == pytest.approx(1.0)
    assert (run.coverage, run.width) == (1.0, 0.0)


@pytest.mark.parametrize("name", WORKLOADS)
def test_uniform_allocation_loses_a_hundred_percent(name: str) -> None:
    run = simulate_run(SMALL[name], baselines.Uniform, SEED)

    assert run.regret_percent == pytest.approx(100, abs=4)
    assert run.coverage is None


@dataclass(slots=True)
class Recording:
    """Contexts that an engine met, and variants that it chose, by batch."""

    contexts: list[Integers]
    variants: list[Integers]


def record_engine(engine: type[Engine]) -> tuple[type[Engine], Recording]:
    """Return the engine, and a recording of the users that it meets."""
    recording = Recording([], [])

    class Recorded:
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
            recording.contexts.append(contexts)
            recording.variants.append(variants)
            self.engine.learn(contexts, variants, rewards, propensities)

    return Recorded, recording


def test_engines_of_one_seed_meet_the_same_users() -> None:
    engines = [record_engine(ENGINES[name]) for name in ("ours", "beta_ts_mab")]

    runs = [simulate_run(SMALL["W3"], engine, SEED) for engine, _ in engines]

    ours_recording, other = (recording for _, recording in engines)
    assert np.array_equal(ours_recording.contexts, other.contexts)
    assert not np.array_equal(ours_recording.variants, other.variants)
    assert runs[0].regret_percent != runs[1].regret_percent


def test_a_repeat_changes_the_engines_randomness_but_not_the_users() -> None:
    engines = [record_engine(ENGINES["beta_ts_mab"]) for _ in range(3)]

    for repeat, (engine, _) in zip((0, 0, 1), engines, strict=True):
        simulate_run(SMALL["W3"], engine, SEED, repeat)

    first, same, repeated = (recording for _, recording in engines)
    assert np.array_equal(first.contexts, repeated.contexts)
    assert np.array_equal(first.variants, same.variants)
    assert not np.array_equal(first.variants, repeated.variants)


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_runs_every_workload(name: str, engine: str) -> None:
    run = simulate_run(SMALL[name], ENGINES[engine], SEED)

    assert run.engine == engine
    assert 0 < run.regret_percent < 130
    assert (run.coverage is None) == (engine in {"uniform", "sklearn_lr_egreedy"})
