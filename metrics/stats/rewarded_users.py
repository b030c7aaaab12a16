"""Whether the model expects many more users with a reward than were counted."""

import math

from metrics.stats.minimum_data import MINIMUM_CONVERSIONS
from metrics.stats.totals import Totals

# A mean reward that is known no better than this may as well be 0.
LARGEST_RELATIVE_ERROR = 1 / 3

Estimate = tuple[float, float]


def estimate_rewarded_share(model: Estimate, rewards: Totals) -> Estimate | None:
    """Return the share of users that the model expects to have a reward, and its sd.

    `model` is the mean per user that it expects, and its sd; `rewards` are totals of users
    with the same variant, whose mean reward per rewarded user turns that into a share.
    None below 5 of them, or where their mean reward is too uncertain, or of the other
    sign.
    """
    mean, sd = model
    if rewards.converted is None or rewards.converted < MINIMUM_CONVERSIONS:
        return None
    reward = rewards.value_sum / rewards.converted
    squares = rewards.value_sum_squares - reward * rewards.value_sum
    variance = max(squares, 0.0) / (rewards.converted - 1)
    error = math.sqrt(variance / rewards.converted)
    if error >= LARGEST_RELATIVE_ERROR * abs(reward):
        return None
    share = mean / reward
    if share <= 0:
        return None
    # The model learned from the same rewards, but a model of their logs may not follow
    # their mean: then the error of that mean is all in the share.
    relative_error = max(sd / abs(mean), error / abs(reward))
    return min(share, 1.0), share * relative_error
