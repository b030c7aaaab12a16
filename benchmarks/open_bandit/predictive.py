"""95% predictive intervals of each item's clicks in a half that was not learnt from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.open_bandit.logs import DESIGN, ITEMS, Log, count_cells
from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.design.design import Floats, Integers
from models_app.bandit.rewards import fit, reward_model

DRAWS = 4000
ENDS = 0.025, 0.975


@dataclass(frozen=True, slots=True)
class Prediction:
    """Per item [items]: clicks in the held-back half and the ends of their interval.

    `assured` is the probability that the prediction itself gives the interval: more
    than 95%, because a count cannot be cut at exactly 2.5%. `total` holds the clicks of
    all items together, and their interval.
    """

    clicks: Integers
    low: Floats
    high: Floats
    assured: Floats
    total: tuple[int, float, float]

    @property
    def covered(self) -> NDArray[np.bool_]:
        return (self.low <= self.clicks) & (self.clicks <= self.high)


def split_log(log: Log, kind: str, seed: int) -> tuple[Log, Log]:
    """Learn from one half, hold the other back.

    "forward" and "backward" split in time; "random" takes rows by chance.
    """
    first = np.arange(len(log.item)) < len(log.item) // 2
    if kind == "random":
        first = np.random.default_rng(seed).permutation(first)
    if kind == "backward":
        first = ~first
    return log.only(first), log.only(~first)


def predict_by_model(learnt: Log, held: Log, seed: int = 0) -> Prediction:
    """Foresee by the learner's posterior: rates, and chance at these rates."""
    believed = fit.fit_reward(DESIGN, count_cells(learnt)).reward
    shown = np.zeros((DESIGN.segments, ITEMS), dtype=np.int64)
    np.add.at(shown, (held.position, held.item), 1)
    rng, everyone = np.random.default_rng([seed, 1]), np.arange(ITEMS)
    drawn = []
    for chunk in reward_model.draw_chunks(believed, DRAWS, seed, everyone):
        table, clicks = chunk.table(), np.zeros((len(chunk), ITEMS), int)
        for segment in np.flatnonzero(shown.sum(axis=1)):
            rate = table.reward(DESIGN.context_levels[segment])
            clicks += rng.binomial(shown[segment], rate)
        drawn.append(clicks)
    return _summarize_draws(np.concatenate(drawn), held)


def predict_by_plain_rates(learnt: Log, held: Log, seed: int = 0) -> Prediction:
    """Foresee as a dashboard of rates does: each item goes on at the rate it had."""
    clicks = sum_by_index(learnt.item, learnt.click.astype(np.float64), ITEMS)
    shown = np.bincount(learnt.item, minlength=ITEMS)
    rate = clicks / np.maximum(shown, 1)
    rng, later = np.random.default_rng(seed), np.bincount(held.item, minlength=ITEMS)
    return _summarize_draws(rng.binomial(later, rate, (DRAWS, ITEMS)), held)


def _summarize_draws(drawn: Integers, held: Log) -> Prediction:
    clicks = np.bincount(held.item, held.click, ITEMS).astype(np.int64)
    low, high = np.quantile(drawn, ENDS, axis=0, method="inverted_cdf")
    total = np.quantile(drawn.sum(axis=1), ENDS, method="inverted_cdf")
    inside = (low <= drawn) & (drawn <= high)
    return Prediction(
        clicks,
        low.astype(np.float64),
        high.astype(np.float64),
        inside.mean(axis=0),
        (int(clicks.sum()), float(total[0]), float(total[1])),
    )
