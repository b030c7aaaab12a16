"""The lists of a cube's spec as rows of plain values, in the order of their columns."""

from datetime import datetime
from typing import TypeVar

from warehouse.sql.shapes import CubeSpec

# How a dialect writes an open end of time: a moment beyond all events, or None.
OpenEnd = TypeVar("OpenEnd", bound=datetime | None)
OutcomeRow = tuple[str, float, bool, str | None, float | None]


def list_regimes(
    spec: CubeSpec, earliest: OpenEnd, latest: OpenEnd
) -> list[tuple[int, datetime | OpenEnd, datetime | OpenEnd, str]]:
    """Return number, start, end and holdout threshold of each regime.

    A regime ends where the next one starts. The first starts at `earliest`, the last
    ends at `latest`, so that no touch falls outside.
    """
    changes = [regime.starts_at for regime in spec.regimes[1:]]
    starts: list[datetime | OpenEnd] = [earliest, *changes]
    ends: list[datetime | OpenEnd] = [*changes, latest]
    return [
        (regime.number, start, end, regime.holdout_threshold)
        for regime, start, end in zip(spec.regimes, starts, ends, strict=True)
    ]


def list_outcomes(spec: CubeSpec) -> list[OutcomeRow]:
    """Return key, weight, whether it matches by name, and the value to match.

    The value stands in the fourth column if it is a text and in the fifth if a number.
    """
    return [
        (
            rule.key,
            float(rule.weight),
            rule.by == "name",
            rule.value if isinstance(rule.value, str) else None,
            None if isinstance(rule.value, str) else float(rule.value),
        )
        for rule in spec.outcomes
    ]


def split_excluded_users(spec: CubeSpec) -> tuple[list[str], list[str]]:
    """Return the excluded ids, and the prefixes without their '*'."""
    ids = [user for user in spec.excluded_users if not user.endswith("*")]
    prefixes = [user[:-1] for user in spec.excluded_users if user.endswith("*")]
    return ids, prefixes
