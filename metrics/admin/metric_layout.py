"""The fields of a metric's page, and where the metric is used."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from metrics.models import Metric

OUTCOMES: Final = "Outcomes, if one of several results counts"
COUNTING: Final = (
    (
        "Query",
        {"fields": ("sql",), "classes": ("staff-previewed",)},
    ),
    (
        "Columns",
        {
            "fields": (
                ("id_column", "time_column"),
                ("value_column", "name_column"),
            ),
            "classes": ("staff-previewed",),
        },
    ),
    (
        "How it counts",
        {
            "fields": (("reward_type", "direction"), "look_back_days"),
            "classes": ("staff-previewed",),
        },
    ),
    (
        OUTCOMES,
        {
            "fields": ("outcome_by", "outcomes"),
            "classes": ("staff-previewed", "collapse"),
        },
    ),
)
MONEY: Final = ("Money", {"fields": (("value_per_conversion", "currency"),)})
NEW: Final = ((None, {"fields": (("name", "organization"),)}), *COUNTING, MONEY)
CHANGE: Final = (
    *NEW,
    ("Record", {"fields": (("reward", "revision"), ("created_at", "updated_at"))}),
)
VIEW: Final = (
    (None, {"fields": (("name", "organization"), ("reward", "direction"))}),
    (None, {"fields": ("query", ("columns", "outcome_list"), "look_back_days")}),
    (None, {"fields": (("value_per_conversion", "currency"),)}),
    (None, {"fields": ("revision", ("created_at", "updated_at"))}),
)


def open_outcomes(fieldsets: Any) -> Any:
    """Return the layout with the outcomes unfolded: the metric has some."""
    return tuple(
        (title, {**options, "classes": ("staff-previewed",)})
        if title == OUTCOMES
        else (title, options)
        for title, options in fieldsets
    )


@dataclass(frozen=True, slots=True)
class Usage:
    """The optimizations that use a metric: as their reward, and as a guardrail."""

    rewarded: Sequence[Any]
    guarded: Sequence[Any]

    @property
    def total(self) -> int:
        """How many optimizations use it."""
        return len({each.pk for each in (*self.rewarded, *self.guarded)})

    @property
    def running(self) -> int:
        """How many of them count users now."""
        used = (*self.rewarded, *self.guarded)
        return len({each.pk for each in used if each.status in {"live", "paused"}})


def find_usage(metric: Metric) -> Usage:
    """Return the optimizations that use a metric, by their relations to it."""
    related: Any = metric
    return Usage(
        list(related.rewarded_optimizations.filter(deleted_at=None)),
        list(related.guarded_optimizations.filter(deleted_at=None)),
    )
