"""contextualbandits: LogisticTS, LinTS and BootstrappedTS, one model per variant."""

import warnings
from typing import Any, ClassVar

import numpy as np
from contextualbandits import online
from sklearn.linear_model import SGDClassifier

from benchmarks.regret.per_arm import PerArm, Policy
from models_app.bandit.design.design import Floats, Integers


class Model:
    """A policy of the library; decides at random until it has seen a batch.

    A policy that is not incremental is fitted to all rows so far after each batch.
    """

    def __init__(
        self, model: Any, variants: int, seed: int, *, is_incremental: bool
    ) -> None:
        self.model, self.variants = model, variants
        self.is_incremental = is_incremental
        self.rng = np.random.default_rng(seed)
        self.fitted = False
        self.rows: list[tuple[Floats, Integers, Floats]] = []

    def decide(self, features: Floats) -> Integers:
        """Return one variant for each row."""
        if not self.fitted:
            return self.rng.integers(0, self.variants, len(features))
        with warnings.catch_warnings(action="ignore"):
            return np.asarray(self.model.predict(features)).astype(np.int64)

    def learn(self, features: Floats, variants: Integers, rewards: Floats) -> None:
        """Learn from one row per user."""
        with warnings.catch_warnings(action="ignore"):
            if self.is_incremental:
                self.model.partial_fit(features, variants, rewards)
            else:
                self.rows.append((features, variants, rewards))
                columns = zip(*self.rows, strict=True)
                self.model.fit(*(np.concatenate(column) for column in columns))
        self.fitted = True


class LinTS(PerArm):
    """As shipped: it draws coefficients whose spread grows with the data (0.3.30)."""

    name = "ctxbandits_lints"
    options: ClassVar[dict[str, object]] = {"v_sq": 1.0, "sample_from": "coef"}

    def build_policy(self, columns: int, variants: int) -> Policy:
        """Build the library's model."""
        del columns
        model = online.LinTS(
            nchoices=variants,
            fit_intercept=False,
            random_state=self.library_seed,
            njobs=1,
            **self.options,
        )
        return Model(model, variants, self.seed, is_incremental=True)


class LinTSTuned(LinTS):
    """With a noise variance that suits rates of 3 to 5%, and a spread that shrinks."""

    name = "ctxbandits_lints_ci_v0.05"
    options: ClassVar[dict[str, object]] = {"v_sq": 0.05, "sample_from": "ci"}


class LogisticTS(PerArm):
    """Fits every variant to all rows after each batch; the library cannot do otherwise."""

    name = "ctxbandits_logistic_ts"
    paid_only: ClassVar[bool] = True

    def build_policy(self, columns: int, variants: int) -> Policy:
        """Build the library's model."""
        del columns
        model = online.LogisticTS(
            nchoices=variants,
            fit_intercept=False,
            random_state=self.library_seed,
            njobs=1,
        )
        return Model(model, variants, self.seed, is_incremental=False)


class BootstrappedTS(PerArm):
    """Ten bootstrapped logistic regressions per variant."""

    name = "ctxbandits_bootstrapped_ts"
    paid_only: ClassVar[bool] = True

    def build_policy(self, columns: int, variants: int) -> Policy:
        """Build the library's model."""
        del columns
        base = SGDClassifier(loss="log_loss", random_state=self.library_seed)
        model = online.BootstrappedTS(
            base,
            nchoices=variants,
            nsamples=10,
            batch_train=True,
            random_state=self.library_seed,
            njobs_arms=1,
            njobs_samples=1,
        )
        return Model(model, variants, self.seed, is_incremental=True)


ENGINES = {
    engine.name: engine for engine in (LogisticTS, LinTS, LinTSTuned, BootstrappedTS)
}
