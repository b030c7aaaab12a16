"""Results in a notebook: as a table of pandas, and as a picture."""

import importlib
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from levered import schemas
from levered.errors import LeveredError

COLUMNS = (
    *("number", "enabled", "users", "rewarded_users", "user_rate", "weight"),
    *("prob_best", "expected_reward_mean", "expected_reward_lo", "expected_reward_hi"),
)


UNAVAILABLE = "variants.expected_reward_mean"
NO_REASON = "nothing was learned yet"
LABEL_WIDTH, LABEL_LINES = 40, 3
WIDTH_INCHES, SMALLEST_INCHES, INCHES_PER_LINE = 8.0, 3.0, 0.2


@dataclass(frozen=True, slots=True)
class OptimizationResults:
    """The results of an optimization; `data` is the API's document."""

    data: schemas.Results

    def to_pandas(self) -> Any:
        """Return a DataFrame with a row for each variant, its levels first.

        Raise LeveredError where pandas is not installed.
        """
        rows = [
            {**variant["variant"], **{name: variant.get(name) for name in COLUMNS}}
            for variant in self.data["variants"]
        ]
        return _load("pandas").DataFrame(rows).set_index("number")

    def plot(self, ax: Any = None) -> Any:
        """Draw what each variant is expected to earn, with its interval.

        Return the axes of matplotlib. Raise LeveredError where it is not installed, and
        with the reason where the expected rewards are withheld.
        """
        variants = [
            variant
            for variant in self.data["variants"]
            if variant["expected_reward_mean"] is not None
        ]
        if not variants:
            reason = self.data["unavailable"].get(UNAVAILABLE)
            raise LeveredError(f"there is nothing to draw: {reason or NO_REASON}")
        names = [_name(variant) for variant in variants]
        ax = _open_axes(names) if ax is None else ax
        means = [variant["expected_reward_mean"] or 0.0 for variant in variants]
        lows = [variant["expected_reward_lo"] or 0.0 for variant in variants]
        highs = [variant["expected_reward_hi"] or 0.0 for variant in variants]
        below = [mean - low for mean, low in zip(means, lows, strict=True)]
        above = [high - mean for mean, high in zip(means, highs, strict=True)]
        ax.errorbar(means, range(len(names)), xerr=[below, above], fmt="o", capsize=3)
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()
        ax.set_xlabel("expected reward, 95% credible interval")
        return ax


def _name(variant: schemas.VariantResult) -> str:
    levels = ", ".join(map(str, variant["variant"].values()))
    lines = textwrap.wrap(f"{variant['number']}: {levels}", LABEL_WIDTH)
    kept = lines[:LABEL_LINES]
    return "\n".join(kept) + ("…" if len(lines) > len(kept) else "")


def _open_axes(names: Sequence[str]) -> Any:
    """Return axes of a figure that has the room for all labels."""
    lines = sum(name.count("\n") + 1 for name in names)
    height = max(SMALLEST_INCHES, INCHES_PER_LINE * (lines + len(names)))
    pyplot = _load("matplotlib.pyplot")
    return pyplot.subplots(figsize=(WIDTH_INCHES, height), layout="constrained")[1]


def _load(library: str) -> Any:
    """Import a library that only notebooks need."""
    try:
        return importlib.import_module(library)
    except ImportError as error:
        name = library.partition(".")[0]
        raise LeveredError(
            f"this needs {name}: pip install './clients/python[notebook]'"
        ) from error
