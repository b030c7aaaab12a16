"""Results as a picture: its labels, and why there is none."""

from itertools import pairwise
from typing import Any, cast

import pytest

from levered import LeveredError, schemas
from levered.notebook import OptimizationResults

REASON = "no user's time to convert has passed yet"


def make_results(*headlines: str, reward: float | None = 0.1) -> OptimizationResults:
    """Return results of variants with one factor."""
    variants = [
        {
            "number": number,
            "variant": {"headline": headline},
            "expected_reward_mean": reward,
            "expected_reward_lo": reward,
            "expected_reward_hi": reward and reward * 2,
        }
        for number, headline in enumerate(headlines, 1)
    ]
    document: Any = {
        "variants": variants,
        "unavailable": {"variants.expected_reward_mean": REASON},
    }
    return OptimizationResults(cast(schemas.Results, document))


def test_a_picture_that_cannot_be_drawn_says_why() -> None:
    with pytest.raises(LeveredError, match=REASON):
        make_results("A", "B", reward=None).plot()


def test_the_labels_of_a_picture_are_inside_and_apart() -> None:
    long = "A headline that nobody would call short, as it goes on and on " * 3
    axes = make_results(*(f"{long}{n}" for n in range(20))).plot()
    figure = axes.figure

    figure.canvas.draw()

    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert all(box.x0 >= 0 and box.y0 >= 0 for box in boxes)
    heights = sorted((box.y0, box.y1) for box in boxes)
    assert all(above[0] >= below[1] for below, above in pairwise(heights))
    assert len({label.get_text() for label in axes.get_yticklabels()}) == 20
