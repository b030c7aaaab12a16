"""The cube by brute force: docs/statistics.md section 1, one user at a time."""

import hashlib
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from warehouse.sql.cube.amount_buckets import EDGES
from warehouse.sql.shapes import (
    AmountBucket,
    Cell,
    Cube,
    CubeSpec,
    DayCounts,
    Note,
    OutcomeRule,
    RegimeSpan,
    TimeGap,
)

Notes = dict[date, Counter[tuple[str, int | None, str]]]


@dataclass(frozen=True)
class Touch:
    """One exposure, or one serve record if `served`."""

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
    """Compute the cube that the statement must return."""
    touches_by_user, blank, notes = _sort_touches(spec, touches)
    sums: dict[tuple[Any, ...], list[float]] = {}
    values: list[tuple[tuple[Any, ...], float]] = []
    lags: dict[date, list[int]] = defaultdict(lambda: [0] * 32)
    crossed: Counter[date] = Counter()
    mismatched: Counter[date] = Counter()
    contexts: dict[date, Counter[str]] = defaultdict(Counter)
    for user, user_touches in touches_by_user.items():
        first = _pick_first_touch(spec, user_touches)
        day = first.at.astimezone(UTC).date()
        if day not in spec.days or _is_excluded(spec, user):
            continue
        lags[day][0] += 0  # a day with users has counts, even if they are 0
        _note_unknown_levels(spec, first, notes[day])
        _note_missing_levels(spec, first, contexts[day])
        user_rewards = [reward for reward in rewards if reward.user == user]
        key, amounts, lag = _count_user(spec, first, user_touches, user_rewards)
        values.append((key, amounts[3]))
        sums[key] = [
            a + b for a, b in zip(sums.get(key, [0.0] * 11), amounts, strict=True)
        ]
        ends = first.at + timedelta(hours=spec.horizon_hours)
        window = [touch for touch in user_touches if first.at <= touch.at <= ends]
        _note_history(spec, window, notes[day])
        crossed[day] += any(touch.variant != first.variant for touch in window)
        mismatched[day] += _is_mismatch(spec, first)
        if lag is not None and ends <= spec.as_of:
            lags[day][lag] += 1
    _add_keys(contexts, notes)
    noted = (day for day in notes if notes[day])
    days = tuple(
        DayCounts(
            day,
            tuple(lags[day]),
            crossed[day],
            mismatched[day],
            blank[day],
            _list_notes(notes[day]),
        )
        for day in sorted(set(lags).union(blank, noted))
    )
    return Cube(
        tuple(_build_cells(sums)),
        tuple(sum(day.lags[bucket] for day in days) for bucket in range(32)),
        crossed.total(),
        mismatched.total(),
        sum(_is_read(spec, touch) for touch in touches),
        days,
        tuple(_build_buckets(values) if spec.reward_type == "numeric" else ()),
    )


def _build_buckets(
    values: Iterable[tuple[tuple[Any, ...], float]],
) -> Iterable[AmountBucket]:
    """Return the buckets of the mature users' values; a key is that of a cell."""
    buckets: dict[tuple[Any, ...], list[float]] = {}
    for (regime, day, _, holdout, *_, mature, _), value in values:
        if mature and value:
            place = (regime, day, holdout, find_bucket(value))
            sums = buckets.get(place, [0, 0.0, 0.0])
            buckets[place] = [sums[0] + 1, sums[1] + value, sums[2] + value**2]
    for place, (users, total, squares) in buckets.items():
        yield AmountBucket(*place, int(users), total, squares)


def find_bucket(value: float) -> int:
    """Return the bucket of a value: 1 plus the edges below it, negative as it is."""
    edges_below = sum(edge < abs(value) for edge in EDGES)
    return (edges_below + 1) * (1 if value > 0 else -1)


def _sort_touches(
    spec: CubeSpec, touches: Sequence[Touch]
) -> tuple[dict[str, list[Touch]], Counter[date], Notes]:
    """Return the touches that count by user, blank ones by day, and notes of all."""
    touches_by_user: dict[str, list[Touch]] = defaultdict(list)
    notes: Notes = defaultdict(Counter)
    blank: Counter[date] = Counter()
    for touch in touches:
        if touch.at > spec.as_of:
            continue
        _note_time(spec, touch, notes)
        if _find_gap(spec, touch) is not None:
            continue
        if touch.user.strip():
            touches_by_user[touch.user].append(touch)
        elif (blank_day := touch.at.astimezone(UTC).date()) in spec.days:
            blank[blank_day] += 1
    return touches_by_user, blank, notes


def _find_gap(spec: CubeSpec, touch: Touch) -> TimeGap | None:
    return next(
        (
            gap
            for gap in spec.gaps
            if gap.starts_at <= touch.at
            and (gap.ends_at is None or touch.at < gap.ends_at)
        ),
        None,
    )


def _note_time(spec: CubeSpec, touch: Touch, notes: Notes) -> None:
    day = touch.at.astimezone(UTC).date()
    if day not in spec.days:
        return
    gap = _find_gap(spec, touch)
    if gap is not None:
        notes[day]["exposures", None, gap.reason] += 1


def _note_history(
    spec: CubeSpec,
    window: Sequence[Touch],
    notes: Counter[tuple[str, int | None, str]],
) -> None:
    launch = spec.regimes[0].starts_at
    history = sum(touch.at < launch and not touch.served for touch in window)
    if history:
        notes["exposures", None, "before_launch"] += history


def _note_missing_levels(spec: CubeSpec, first: Touch, contexts: Counter[str]) -> None:
    context = json.loads(first.context or "{}")
    if any(context.get(factor.name) is None for factor in spec.contexts):
        contexts[first.context[:300]] += 1


def _add_keys(contexts: dict[date, Counter[str]], notes: Notes) -> None:
    """Add the keys of the five commonest contexts of a day that lack a value."""
    for day, counts in contexts.items():
        commonest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:5]
        for text, count in commonest:
            keys = ", ".join(sorted(json.loads(text or "{}")))
            notes[day]["keys", None, keys] += count


def _note_unknown_levels(
    spec: CubeSpec, first: Touch, notes: Counter[tuple[str, int | None, str]]
) -> None:
    if _variant_number(spec, first) == 0:
        notes["variant", None, first.variant[:200]] += 1
    context = json.loads(first.context or "{}", parse_float=Decimal)
    for place, factor in enumerate(spec.contexts):
        value = context.get(factor.name)
        if value is not None and _format_level(value) not in factor.levels:
            notes["context", place, _format_level(value)[:100]] += 1


def _list_notes(
    counts: Counter[tuple[str, int | None, str]],
) -> tuple[Note, ...]:
    """Return the notes in order, the five commonest of each kind and factor."""
    by_group: dict[tuple[str, int], list[Note]] = defaultdict(list)
    for (kind, factor, text), count in counts.items():
        by_group[kind, factor or 0].append(Note(kind, factor, text, count))
    ordered = [
        sorted(by_group[group], key=lambda note: (-note.count, note.text))
        for group in sorted(by_group)
    ]
    return tuple(note for group in ordered for note in group[:5])


def _pick_first_touch(spec: CubeSpec, touches: Sequence[Touch]) -> Touch:
    served = [touch for touch in touches if touch.served]
    return min(served or touches, key=lambda touch: _touch_order(spec, touch))


def _touch_order(spec: CubeSpec, touch: Touch) -> tuple[Any, ...]:
    version = math.inf if touch.policy_version is None else touch.policy_version
    holdout = 2 if touch.in_holdout is None else int(touch.in_holdout)
    is_unknown = _variant_number(spec, touch) == 0
    variant = "" if is_unknown else touch.variant
    return (touch.at, is_unknown, variant, touch.context, version, holdout)


def _is_excluded(spec: CubeSpec, user: str) -> bool:
    return any(
        user.startswith(excluded[:-1]) if excluded.endswith("*") else user == excluded
        for excluded in spec.excluded_users
    )


def _count_user(
    spec: CubeSpec, first: Touch, touches: Sequence[Touch], rewards: Sequence[Reward]
) -> tuple[tuple[Any, ...], list[float], int | None]:
    ends = first.at + timedelta(hours=spec.horizon_hours)
    mature = ends <= spec.as_of
    window = [touch for touch in touches if first.at <= touch.at <= ends]
    exposures = sum(not touch.served for touch in window) or 1
    counted_rewards = sorted(
        (reward for reward in rewards if _is_counted(spec, first, window, reward)),
        key=lambda reward: reward.at,
    )
    value, outcome, rewarded_at = _compute_value(spec, counted_rewards)
    log = math.log(abs(value)) if spec.reward_type == "numeric" and value else None
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
    logs = [float(log is not None), log or 0.0, (log or 0.0) ** 2]
    logs = [0.0] * 3 + logs if value < 0 else logs + [0.0] * 3
    converted = float(rewarded_at is not None)
    amounts = [1, exposures, converted, value, value**2, *logs]
    lag = None if rewarded_at is None else _lag_bucket(spec, rewarded_at - first.at)
    return key, amounts, lag


def _is_counted(
    spec: CubeSpec, first: Touch, window: Sequence[Touch], reward: Reward
) -> bool:
    if reward.optimization_id not in {None, spec.optimization_id}:
        return False
    ends = first.at + timedelta(hours=spec.horizon_hours)
    if not first.at <= reward.at <= min(ends, spec.as_of):
        return False
    earlier = [touch.at for touch in window if touch.at <= reward.at]
    window_start = max(earlier) if spec.attribution == "last_touch" else first.at
    return reward.at - window_start <= timedelta(hours=spec.window_hours)


def _compute_value(
    spec: CubeSpec, counted_rewards: Sequence[Reward]
) -> tuple[float, str | None, datetime | None]:
    first_at = counted_rewards[0].at if counted_rewards else None
    if spec.reward_type == "bool":
        return float(bool(counted_rewards)), None, first_at
    if spec.reward_type == "numeric":
        return math.fsum(reward.value for reward in counted_rewards), None, first_at
    matches = [
        (reward.at, rank, rule)
        for reward in counted_rewards
        for rank, rule in enumerate(spec.outcomes)
        if _matches(rule, reward)
    ]
    if not matches:
        return 0.0, "failure", None
    at, _, rule = min(matches, key=lambda match: match[:2])
    return rule.weight, rule.key, at


def _matches(rule: OutcomeRule, reward: Reward) -> bool:
    return rule.value == (reward.name if rule.by == "name" else reward.value)


def _lag_bucket(spec: CubeSpec, lag: timedelta) -> int:
    return min(31, lag * 32 // timedelta(hours=spec.horizon_hours))


def _find_regime(spec: CubeSpec, first: Touch) -> RegimeSpan:
    started = [regime for regime in spec.regimes if regime.starts_at <= first.at]
    return started[-1] if started else spec.regimes[0]


def _is_in_holdout(spec: CubeSpec, first: Touch) -> bool:
    text = f"{spec.optimization_id}:{first.user}".encode()
    digest = hashlib.md5(text, usedforsecurity=False).hexdigest()
    return digest[:8] < _find_regime(spec, first).holdout_threshold


def _variant_number(spec: CubeSpec, touch: Touch) -> int:
    return next((n for n, key in spec.variants if key == touch.variant), 0)


def _is_mismatch(spec: CubeSpec, first: Touch) -> bool:
    in_holdout = _is_in_holdout(spec, first)
    if first.in_holdout is not None and first.in_holdout != in_holdout:
        return True
    return in_holdout and _variant_number(spec, first) != 1


def _context_index(spec: CubeSpec, text: str) -> int:
    context = json.loads(text or "{}", parse_float=Decimal)
    index = 0
    for factor in spec.contexts:
        value = context.get(factor.name)
        count = len(factor.levels)
        level = _format_level(value)
        if value is None:
            level_index = count + 1
        elif level in factor.levels:
            level_index = factor.levels.index(level)
        else:
            level_index = count
        index = index * (count + 2) + level_index
    return index


def _format_level(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return str(value)


def _is_read(spec: CubeSpec, touch: Touch) -> bool:
    """Tell whether the managed store reads it: within the horizon of a requested day."""
    starts = [datetime.combine(day, datetime.min.time(), UTC) for day in spec.days]
    length = timedelta(days=1, hours=spec.horizon_hours)
    if _find_gap(spec, touch) is not None:
        return False
    return touch.at <= spec.as_of and any(
        start <= touch.at <= start + length for start in starts
    )


def _build_cells(sums: dict[tuple[Any, ...], list[float]]) -> Iterable[Cell]:
    for key, amounts in sums.items():
        users, exposures, converted, total, squares, *logs = amounts
        counts = (int(users), int(exposures), int(converted))
        paid = (int(logs[0]), *logs[1:3], int(logs[3]), *logs[4:])
        row: tuple[Any, ...] = (*key, *counts, total, squares, *paid)
        yield Cell(*row)
