"""Comparison of cubes: specifications, strategies for histories, normal forms."""

import itertools
import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from tests.support import reference_cube, warehouse_events
from tests.support.reference_cube import Reward, Touch
from warehouse.backends import managed
from warehouse.sql.customer import check
from warehouse.sql.shapes import (
    Cell,
    ContextFactor,
    Cube,
    CubeSpec,
    Note,
    OutcomeRule,
    RegimeSpan,
    TimeGap,
)

A, B, C = (f'{{"headline":"{level}"}}' for level in "abc")
BEFORE_A = '{"headline":"0"}'  # no variant, as C, but a smaller text than any
START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = tuple(date(2026, 3, day) for day in range(1, 6))
OUTCOMES = (
    OutcomeRule("buy", 3.0, "name", "purchase"),
    OutcomeRule("lead", 0.5, "name", "signup"),
    OutcomeRule("big", 9.0, "value", 2.5),
)
METRIC = check.check_metric_query(
    "SELECT anonymous_id AS who, timestamp_utc AS at, value AS amount, name AS label"
    " FROM managed_dw.rewards WHERE timestamp_utc >= @start_date",
    {"anonymous_id": "who", "timestamp": "at", "value": "amount", "name": "label"},
)
SPEC = CubeSpec(
    optimization_id="",
    organization_id="",
    variants=((1, A), (2, B)),
    contexts=(),
    reward_type="bool",
    outcomes=(),
    attribution="last_touch",
    window_hours=24,
    horizon_hours=24,
    regimes=(RegimeSpan(1, START, "00000000"),),
    excluded_users=(),
    days=DAYS,
    as_of=START + timedelta(days=5),
)
_organizations = itertools.count(1)


def compute_both_cubes(
    spec: CubeSpec, touches: Sequence[Touch], rewards: Sequence[Reward] = ()
) -> tuple[Cube, Cube]:
    """Store a history for a new organization; return the managed and the reference cube.

    A reward's optimization id "mine" stands for the history's optimization.
    """
    optimization_id = str(uuid.uuid4())
    organization_id = f"org_{next(_organizations)}"
    spec = replace(
        spec, optimization_id=optimization_id, organization_id=organization_id
    )
    rewards = [
        replace(reward, optimization_id=optimization_id)
        if reward.optimization_id == "mine"
        else reward
        for reward in rewards
    ]
    warehouse_events.store_events(organization_id, optimization_id, touches, rewards)
    cube = managed.build_backend(organization_id).compute_cube(spec, METRIC)
    return cube, reference_cube.build_reference_cube(spec, touches, rewards)


def normalize_cube(cube: Cube) -> dict[str, Any]:
    """Return a cube's parts with ordered cells and rounded sums of logarithms."""
    cells = [
        replace(
            cell,
            log_sum=round(cell.log_sum, 9),
            log_sum_squares=round(cell.log_sum_squares, 9),
            negative_log_sum=round(cell.negative_log_sum, 9),
            negative_log_sum_squares=round(cell.negative_log_sum_squares, 9),
        )
        for cell in cube.cells
    ]
    return {
        "cells": sorted(cells, key=repr),
        "lags": cube.lags,
        "crossover": cube.crossover_users,
        "mismatch": cube.arm_mismatch_users,
        "days": tuple(
            replace(day, notes=_normalize_notes(day.notes)) for day in cube.days
        ),
        "amounts": sorted(cube.amounts, key=repr),
    }


def _normalize_notes(notes: Sequence[Note]) -> tuple[Note, ...]:
    """Return notes with sorted keys of variants: DuckDB keeps them as they were sent."""
    counts: Counter[tuple[str, int | None, str]] = Counter()
    for note in notes:
        text = _sort_keys(note.text) if note.kind == "variant" else note.text
        counts[note.kind, note.factor, text] += note.count
    return tuple(sorted((Note(*key, count) for key, count in counts.items()), key=repr))


def _sort_keys(text: str) -> str:
    try:
        return json.dumps(json.loads(text), sort_keys=True)
    except ValueError:  # no JSON
        return text


def get_only_cell(cube: Cube) -> Cell:
    """Return the only cell of a cube."""
    (cell,) = cube.cells
    return cell


GRID = st.integers(0, 5 * 48).map(lambda half: START + timedelta(minutes=30 * half))
OFFSETS = st.sampled_from(
    [UTC, timezone(timedelta(hours=-9)), timezone(timedelta(hours=5, minutes=30))]
)
MOMENTS = st.builds(lambda at, zone: at.astimezone(zone), GRID, OFFSETS)
USERS = st.sampled_from(["u1", "u2", "u3", "bot-1", "Ü4", "", " \t"])
CONTEXTS = st.sampled_from(
    [
        '{"device":"mobile","age":1}',
        '{"device":"tv","age":1.50}',
        '{"device":true,"age":"1.5"}',
        '{"device":null}',
        "{}",
        "",
        '{"age":[1],"device":"mobile"}',
    ]
)
EXPOSURES = st.builds(
    Touch,
    USERS,
    MOMENTS,
    st.sampled_from([A, B, C, BEFORE_A]),
    CONTEXTS,
    st.sampled_from([None, 0, 3]),
)
RECEIPTS = st.builds(
    Touch,
    USERS,
    MOMENTS,
    st.sampled_from([A, B]),
    CONTEXTS,
    st.sampled_from([0, 3]),
    st.just(value=True),
    st.booleans(),
)
REWARDS = st.builds(
    Reward,
    USERS,
    MOMENTS,
    st.sampled_from([1.0, 0.25, 2.5, -1.5, 0.0, 100.0, 1024.0]),
    st.sampled_from(["purchase", "signup", "other"]),
    st.sampled_from([None, "mine", str(uuid.UUID(int=7))]),
)
REGIMES = st.lists(
    st.tuples(
        st.integers(0, 9).map(lambda half: START + timedelta(hours=12 * half)),
        st.sampled_from(["00000000", "4ccccccd", "80000000"]),
    ),
    min_size=1,
    max_size=3,
).map(
    lambda spans: tuple(
        RegimeSpan(number, at, threshold)
        for number, (at, threshold) in enumerate(sorted(spans), start=1)
    )
)
GAPS = st.sampled_from(
    [
        (),
        (TimeGap(START + timedelta(hours=30), START + timedelta(hours=52), "paused"),),
        (
            TimeGap(START + timedelta(hours=20), START + timedelta(hours=24), "paused"),
            TimeGap(START + timedelta(hours=72), None, "shipped"),
        ),
    ]
)
WINDOWS = st.sampled_from([(1, 1), (1, 30), (24, 24), (24, 48), (2, 3)])
SPECS = st.builds(
    lambda windows, **rest: replace(
        SPEC, window_hours=windows[0], horizon_hours=windows[1], **rest
    ),
    WINDOWS,
    contexts=st.sampled_from(
        [
            (),
            (
                ContextFactor("device", ("mobile", "true")),
                ContextFactor("age", ("1", "1.5", "x")),
            ),
        ]
    ),
    reward_type=st.sampled_from(["bool", "numeric", "outcomes"]),
    outcomes=st.just(OUTCOMES),
    attribution=st.sampled_from(["last_touch", "first_touch"]),
    regimes=REGIMES,
    excluded_users=st.sampled_from([(), ("u1", "bot-*"), ("nobody",)]),
    days=st.lists(st.sampled_from(DAYS), min_size=1, unique=True).map(tuple),
    as_of=GRID,
    gaps=GAPS,
)
