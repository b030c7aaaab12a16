"""The cube by brute force: STATISTICS section 1 read aloud, one user at a time."""

import hashlib
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from warehouse.sql.shapes import (
    Cell,
    Cube,
    CubeSpec,
    DayCounts,
    OutcomeRule,
    RegimeSpan,
)

EARLIEST_MOMENT = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Touch:
    """One exposure, or one serve record where `served`."""

    user: str
    at: datetime
    variant: str
    context: str
    policy_version: int | None
    served: bool = False
    in_holdout: bool | None = None


@dataclass(frozen=True)
class Reward:
    """One row of a metric."""

    user: str
    at: datetime
    value: float = 1.0
    name: str = "purchase"
    optimization_id: str | None = None


def build_reference_cube(
    spec: CubeSpec, touches: Sequence[Touch], rewards: Sequence[Reward]
) -> Cube:
    """Count what the statement must count."""
    people: dict[str, list[Touch]] = defaultdict(list)
    for touch in touches:
        if touch.at <= spec.as_of:
            people[touch.user].append(touch)
    sums: dict[tuple[Any, ...], list[float]] = {}
    lags: dict[date, list[int]] = defaultdict(lambda: [0] * 32)
    crossed: Counter[date] = Counter()
    mismatched: Counter[date] = Counter()
    for user, seen in people.items():
        first = _pick_first_touch(seen)
        day = first.at.astimezone(UTC).date()
        if day not in spec.days or _is_excluded(spec, user):
            continue
        lags[day][0] += 0  # a day with users has its counts, also where they are 0
        mine = [one for one in rewards if one.user == user]
        key, amounts, lag = _count_user(spec, first, seen, mine)
        sums[key] = [
            a + b for a, b in zip(sums.get(key, [0.0] * 8), amounts, strict=True)
        ]
        ends = first.at + timedelta(hours=spec.horizon_hours)
        window = [one for one in seen if first.at <= one.at <= ends]
        crossed[day] += any(one.variant != first.variant for one in window)
        mismatched[day] += _is_mismatch(spec, first)
        if lag is not None and ends <= spec.as_of:
            lags[day][lag] += 1
    read = sum(_is_read(spec, touch) for touch in touches)
    days = tuple(
        DayCounts(day, tuple(lags[day]), crossed[day], mismatched[day])
        for day in sorted(lags)
    )
    return Cube(
        tuple(_build_cells(sums)),
        tuple(sum(day.lags[bucket] for day in days) for bucket in range(32)),
        crossed.total(),
        mismatched.total(),
        read,
        days,
    )


def _pick_first_touch(seen: Sequence[Touch]) -> Touch:
    served = [touch for touch in seen if touch.served]
    return min(served or seen, key=_touch_order)


def _touch_order(touch: Touch) -> tuple[Any, ...]:
    version = math.inf if touch.policy_version is None else touch.policy_version
    holdout = 2 if touch.in_holdout is None else int(touch.in_holdout)
    return (touch.at, touch.variant, touch.context, version, holdout)


def _is_excluded(spec: CubeSpec, user: str) -> bool:
    return any(
        user.startswith(one[:-1]) if one.endswith("*") else user == one
        for one in spec.excluded_users
    )


def _count_user(
    spec: CubeSpec, first: Touch, seen: Sequence[Touch], rewards: Sequence[Reward]
) -> tuple[tuple[Any, ...], list[float], int | None]:
    ends = first.at + timedelta(hours=spec.horizon_hours)
    mature = ends <= spec.as_of
    window = [one for one in seen if first.at <= one.at <= ends]
    raw = sum(not one.served for one in window) or 1
    counted = sorted(
        (one for one in rewards if _is_counted(spec, first, window, one)),
        key=lambda one: one.at,
    )
    value, outcome, when = _compute_value(spec, counted)
    log = math.log(value) if spec.reward_type == "numeric" and value > 0 else None
    hour = first.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    key = (
        _find_regime(spec, first).number,
        first.at.astimezone(UTC).date(),
        first.policy_version,
        _is_in_holdout(spec, first),
        _variant_number(spec, first),
        _context_index(spec, first.context),
        outcome,
        mature,
        None if mature else hour,
    )
    paid = [float(log is not None), log or 0.0, (log or 0.0) ** 2]
    amounts = [1, raw, float(when is not None), value, value**2, *paid]
    return key, amounts, None if when is None else _lag_bucket(spec, when - first.at)


def _is_counted(
    spec: CubeSpec, first: Touch, window: Sequence[Touch], reward: Reward
) -> bool:
    if reward.optimization_id not in {None, spec.optimization_id}:
        return False
    ends = first.at + timedelta(hours=spec.horizon_hours)
    if not first.at <= reward.at <= min(ends, spec.as_of):
        return False
    before = [one.at for one in window if one.at <= reward.at]
    opened = max(before) if spec.attribution == "last_touch" else first.at
    return reward.at - opened <= timedelta(hours=spec.window_hours)


def _compute_value(
    spec: CubeSpec, counted: Sequence[Reward]
) -> tuple[float, str | None, datetime | None]:
    when = counted[0].at if counted else None
    if spec.reward_type == "bool":
        return float(bool(counted)), None, when
    if spec.reward_type == "numeric":
        return math.fsum(one.value for one in counted), None, when
    found = [
        (reward.at, rank, rule)
        for reward in counted
        for rank, rule in enumerate(spec.outcomes)
        if _matches(rule, reward)
    ]
    if not found:
        return 0.0, "failure", None
    at, _, rule = min(found, key=lambda one: one[:2])
    return rule.weight, rule.key, at


def _matches(rule: OutcomeRule, reward: Reward) -> bool:
    return rule.value == (reward.name if rule.by == "name" else reward.value)


def _lag_bucket(spec: CubeSpec, lag: timedelta) -> int:
    return min(31, lag * 32 // timedelta(hours=spec.horizon_hours))


def _find_regime(spec: CubeSpec, first: Touch) -> RegimeSpan:
    begun = [one for one in spec.regimes if one.starts_at <= first.at]
    return begun[-1] if begun else spec.regimes[0]


def _is_in_holdout(spec: CubeSpec, first: Touch) -> bool:
    text = f"{spec.optimization_id}:{first.user}".encode()
    digest = hashlib.md5(text, usedforsecurity=False).hexdigest()
    return digest[:8] < _find_regime(spec, first).holdout_threshold


def _variant_number(spec: CubeSpec, touch: Touch) -> int:
    return next((n for n, key in spec.variants if key == touch.variant), 0)


def _is_mismatch(spec: CubeSpec, first: Touch) -> bool:
    held = _is_in_holdout(spec, first)
    logged = first.in_holdout is not None and first.in_holdout != held
    return logged or (held and _variant_number(spec, first) != 1)


def _context_index(spec: CubeSpec, text: str) -> int:
    sent = json.loads(text or "{}", parse_float=Decimal)
    index = 0
    for factor in spec.contexts:
        value = sent.get(factor.name)
        count = len(factor.levels)
        written = _format_level(value)
        if value is None:
            level = count + 1
        else:
            level = factor.levels.index(written) if written in factor.levels else count
        index = index * (count + 2) + level
    return index


def _format_level(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)


def _is_read(spec: CubeSpec, touch: Touch) -> bool:
    """Whether the managed store reads it: a wanted day's users may be touched then."""
    starts = [datetime.combine(day, datetime.min.time(), UTC) for day in spec.days]
    wait = timedelta(days=1, hours=spec.horizon_hours)
    return touch.at <= spec.as_of and any(
        start <= touch.at <= start + wait for start in starts
    )


def _build_cells(sums: dict[tuple[Any, ...], list[float]]) -> Iterable[Cell]:
    for key, amounts in sums.items():
        users, exposures, converted, total, squares, payers, log, logs = amounts
        counts = (int(users), int(exposures), int(converted))
        row: tuple[Any, ...] = (*key, *counts, total, squares, int(payers), log, logs)
        yield Cell(*row)
