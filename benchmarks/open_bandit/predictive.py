"""95% predictive intervals of each item's clicks in a held-back half of a log."""

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

    `promised` is the probability of the interval under the prediction: more than 95%,
    because a count cannot be cut at exactly 2.5%. `total`: the clicks of all items
    together, and the ends of their interval.
    """

    clicks: Integers
    low: Floats
    high: Floats
    promised: Floats
    total: tuple[int, float, float]

    @property
    def covered(self) -> NDArray[np.bool_]:
        return (self.low <= self.clicks) & (self.clicks <= self.high)


def split_log(log: Log, kind: str, seed: int) -> tuple[Log, Log]:
    """Return the half to learn from, and the held-back half.

    "forward" learns from the earlier half, "backward" from the later one, "random" from
    a random half.
    """
    in_training = np.arange(len(log.item)) < len(log.item) // 2
    if kind == "random":
        in_training = np.random.default_rng(seed).permutation(in_training)
    if kind == "backward":
        in_training = ~in_training
    return log.select_rows(in_training), log.select_rows(~in_training)


def predict_by_model(training: Log, held_back: Log, seed: int = 0) -> Prediction:
    """Predict with the learner's posterior: draw rates, then clicks at these rates."""
    posterior = fit.fit_reward(DESIGN, count_cells(training)).reward
    shown = np.zeros((DESIGN.context_cells, ITEMS), dtype=np.int64)
    np.add.at(shown, (held_back.position, held_back.item), 1)
    rng, all_items = np.random.default_rng([seed, 1]), np.arange(ITEMS)
    draws = []
    for chunk in reward_model.draw_chunks(posterior, DRAWS, seed, all_items):
        table, clicks = chunk.build_table(), np.zeros((len(chunk), ITEMS), int)
        for cell_index in np.flatnonzero(shown.sum(axis=1)):
            rate = table.compute_reward(DESIGN.context_levels[cell_index])
            clicks += rng.binomial(shown[cell_index], rate)
        draws.append(clicks)
    return _summarize_draws(np.concatenate(draws), held_back)


def predict_by_plain_rates(training: Log, held_back: Log, seed: int = 0) -> Prediction:
    """Predict as a dashboard of rates would: each item keeps the rate it had."""
    clicks = sum_by_index(training.item, training.click.astype(np.float64), ITEMS)
    rate = clicks / np.maximum(np.bincount(training.item, minlength=ITEMS), 1)
    shown = np.bincount(held_back.item, minlength=ITEMS)
    draws = np.random.default_rng(seed).binomial(shown, rate, (DRAWS, ITEMS))
    return _summarize_draws(draws, held_back)


def _summarize_draws(draws: Integers, held_back: Log) -> Prediction:
    clicks = np.bincount(held_back.item, held_back.click, ITEMS).astype(np.int64)
    low, high = np.quantile(draws, ENDS, axis=0, method="inverted_cdf")
    total = np.quantile(draws.sum(axis=1), ENDS, method="inverted_cdf")
    inside = (low <= draws) & (draws <= high)
    return Prediction(
        clicks,
        low.astype(np.float64),
        high.astype(np.float64),
        inside.mean(axis=0),
        (int(clicks.sum()), float(total[0]), float(total[1])),
    )
