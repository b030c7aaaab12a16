"""Open Bandit Pipeline: LogisticTS and LinTS, one model per variant."""

import warnings
from typing import Any, ClassVar

import numpy as np

from benchmarks.regret.peers import torch_stub
from benchmarks.regret.per_arm import PerArm, Policy
from models_app.bandit.design.design import Floats, Integers

torch_stub.install_stub()
from obp import policy  # noqa: E402 - needs a torch to be there
from obp.utils import sigmoid  # noqa: E402 - likewise

STEP = 7919


class Model:
    """A policy of the library; its update falls at the end of each batch."""

    def __init__(self, model: Any, *, signed: bool = False) -> None:
        self.model, self.signed = model, signed

    def decide(self, features: Floats) -> Integers:
        """One variant for each row."""
        asked = (self.model.select_action(row[None, :]) for row in features)
        return np.array([int(np.asarray(each).ravel()[0]) for each in asked])

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
    """LogisticTS asked for many decisions of one context cell at once.

    The same draws of the same streams as select_action makes one by one, whose loop
    over variants in Python was nine tenths of a run.
    """

    def decide(self, features: Floats) -> Integers:
        """One variant for each row, all rows being alike."""
        drawn = [
            model.random_.normal(model._m, model.sd(), features.shape)  # noqa: SLF001 - as its sample() does
            for model in self.model.model_list
        ]
        chances = sigmoid(np.array(drawn) @ features[0])
        return np.asarray(chances.argsort(axis=0)[-1])


class LinTS(PerArm):
    """As shipped."""

    name = "obp_lints"

    def make(self, columns: int, variants: int) -> Policy:
        """Make the library's model."""
        seed = self.library_seed
        return Model(policy.LinTS(dim=columns, n_actions=variants, random_state=seed))


class LogisticTS(PerArm):
    """As documented: rewards 0 and 1."""

    name = "obp_logistic_ts"
    paid_only: ClassVar[bool] = True
    signed: ClassVar[bool] = False

    def make(self, columns: int, variants: int) -> Policy:
        """Make the library's model, each variant with a stream of its own.

        With one seed for all, as the library has it, their draws would be tied.
        """
        seed = self.library_seed
        made = policy.LogisticTS(dim=columns, n_actions=variants, random_state=seed)
        for index, model in enumerate(made.model_list):
            model.random_ = np.random.RandomState((self.seed + STEP * index) % 2**31)
        return Logistic(made, signed=self.signed)


class LogisticTSSigned(LogisticTS):
    """Its loss is written for labels -1 and +1: the fair reading."""

    name = "obp_logistic_ts_pm1"
    signed: ClassVar[bool] = True


ENGINES = {each.name: each for each in (LinTS, LogisticTS, LogisticTSSigned)}
