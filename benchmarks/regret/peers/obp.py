"""Open Bandit Pipeline: LogisticTS and LinTS, one model per variant."""

import importlib
import warnings
from typing import Any, ClassVar

import numpy as np

from benchmarks.regret.peers import torch_stub
from benchmarks.regret.per_arm import PerArm, Policy
from models_app.bandit.design.design import Floats, Integers

torch_stub.install_stub()  # before obp, which imports torch
policy = importlib.import_module("obp.policy")
sigmoid = importlib.import_module("obp.utils").sigmoid

SEED_STEP = 7919


class Model:
    """A policy of the library, updated at the end of each batch."""

    def __init__(self, model: Any, *, signed: bool = False) -> None:
        self.model, self.signed = model, signed

    def decide(self, features: Floats) -> Integers:
        """Return one variant for each row."""
        actions = (self.model.select_action(row[None, :]) for row in features)
        return np.array([int(np.asarray(action).ravel()[0]) for action in actions])

    def learn(self, features: Floats, variants: Integers, rewards: Floats) -> None:
        """Learn from one row per user."""
        self.model.batch_size = self.model.n_trial + len(variants)
        values = 2.0 * rewards - 1.0 if self.signed else rewards
        with warnings.catch_warnings(action="ignore"), np.errstate(over="ignore"):
            for row, variant, value in zip(
                features, variants.tolist(), values.tolist(), strict=True
            ):
                self.model.update_params(
                    action=variant, reward=value, context=row[None, :]
                )


class Logistic(Model):
    """LogisticTS that decides for many users of one context cell at once.

    It draws the same numbers from the same streams as select_action, whose Python loop
    over variants took nine tenths of a run.
    """

    def decide(self, features: Floats) -> Integers:
        """Return one variant for each row; all rows must be equal."""
        draws = [
            model.random_.normal(model._m, model.sd(), features.shape)  # noqa: SLF001 - as sample() does
            for model in self.model.model_list
        ]
        chances = sigmoid(np.array(draws) @ features[0])
        return np.asarray(chances.argsort(axis=0)[-1])


class LinTS(PerArm):
    """As shipped."""

    name = "obp_lints"

    def build_policy(self, columns: int, variants: int) -> Policy:
        """Build the library's model."""
        seed = self.library_seed
        return Model(policy.LinTS(dim=columns, n_actions=variants, random_state=seed))


class LogisticTS(PerArm):
    """As documented: rewards 0 and 1."""

    name = "obp_logistic_ts"
    paid_only: ClassVar[bool] = True
    signed: ClassVar[bool] = False

    def build_policy(self, columns: int, variants: int) -> Policy:
        """Build the library's model, with a random stream for each variant.

        The library gives all variants one seed, which would make their draws equal.
        """
        seed = self.library_seed
        policy_model = policy.LogisticTS(
            dim=columns, n_actions=variants, random_state=seed
        )
        for index, model in enumerate(policy_model.model_list):
            model.random_ = np.random.RandomState(
                (self.seed + SEED_STEP * index) % 2**31
            )
        return Logistic(policy_model, signed=self.signed)


class LogisticTSSigned(LogisticTS):
    """With rewards -1 and +1, which the library's loss is written for."""

    name = "obp_logistic_ts_pm1"
    signed: ClassVar[bool] = True


ENGINES = {engine.name: engine for engine in (LinTS, LogisticTS, LogisticTSSigned)}
