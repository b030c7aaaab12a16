"""The lists of a cube's spec as rows of plain values, in the order of their columns."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from warehouse.sql.shapes import CubeSpec

# How an engine writes time without a limit: a time beyond all events, or None.
Unlimited = TypeVar("Unlimited", bound=datetime | None)
OutcomeRow = tuple[str, float, bool, str | None, float | None]


def list_regimes(
    spec: CubeSpec, first_start: Unlimited, last_end: Unlimited
) -> list[tuple[int, datetime | Unlimited, datetime | Unlimited, str]]:
    """Return number, start, end and holdout threshold of each regime that is counted.

    A regime ends where the next one starts. The first starts at `first_start`, the
    last ends at `last_end`, so that no touch falls outside.
    """
    changes = [regime.starts_at for regime in spec.regimes[1:]]
    starts: list[datetime | Unlimited] = [first_start, *changes]
    ends: list[datetime | Unlimited] = [*changes, last_end]
    return [
        (regime.number, start, end, regime.holdout_threshold)
        for regime, start, end in zip(spec.regimes, starts, ends, strict=True)
        if spec.counted_regimes is None or regime.number in spec.counted_regimes
    ]


def list_outcomes(spec: CubeSpec) -> list[OutcomeRow]:
    """Return key, weight, whether it matches by name, and the value to match.

    A text value is in the fourth column, a number in the fifth; the other is None.
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


def split_excluded_users(excluded_users: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the excluded users' ids, and the prefixes without their '*'."""
    entries = list(excluded_users)
    user_ids = [entry for entry in entries if not entry.endswith("*")]
    prefixes = [entry[:-1] for entry in entries if entry.endswith("*")]
    return user_ids, prefixes
