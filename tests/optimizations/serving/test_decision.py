"""Decisions without Django: golden vectors and properties."""

import hashlib
import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from levered_site.errors import (
    ConflictError,
    ForbiddenError,
    InvalidParametersError,
    NotFoundError,
)
from levered_site.level_texts import format_level
from optimizations import factors
from optimizations.factors import ContextFactor
from optimizations.serving import decision, snapshot
from optimizations.serving.snapshot import Snapshot, VariantCard
from optimizations.serving.snapshot_bytes import parse_snapshot_bytes
from tests.support import reference_draw

ID = "3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b10"
NOW = datetime(2026, 3, 28, 14, 22, tzinfo=UTC)
CONTEXTS = (
    ContextFactor("device", ("mobile", "desktop")),
    ContextFactor("returning", ("true", "false")),
)
ROW = [0.1, 0.2, 0.3, 0.4]


def _build_snapshot(**changes: Any) -> Snapshot:
    combinations = factors.list_combinations(
        [
            {"name": "headline", "levels": [{"value": "A"}, {"value": "B"}]},
            {"name": "cta", "levels": [{"value": False}, {"value": True}]},
        ]
    )
    cards = tuple(
        VariantCard(
            number, factors.format_variant_key(combination), combination, servable=True
        )
        for number, combination in enumerate(combinations, start=1)
    )
    fields: dict[str, Any] = {
        "optimization_id": ID,
        "organization_id": "org_1",
        "version": 7,
        "status": "live",
        "holdout_percentage": 10.0,
        "holdout_threshold": snapshot.compute_holdout_threshold(10),
        "public_policy": False,
        "allowed_origins": (),
        "cards": cards,
        "contexts": CONTEXTS,
        "policy_version": 3,
        "probabilities": np.array([ROW] * 16),
        "leading": (4,) * 16,
        "assignments_epoch": 1,
    }
    return Snapshot(**(fields | changes))


# A client that decides locally must get the same: user, (in holdout, u, variant).
GOLDEN = [
    ("user-1", (False, 0.7961040709922285, 1)),
    ("user-2", (False, 0.6702861715552957, 2)),
    ("user-3", (False, 0.4616561561604548, 4)),
    ("Zoë", (False, 0.6901513061188276, 3)),
    ("😀", (False, 0.794691315427239, 3)),
    ("user-17", (True, 0.8136087921524817, 4)),
    (" ", (False, 0.8153401295405889, 3)),
]


@pytest.mark.parametrize(("user", "expected"), GOLDEN)
def test_golden_vectors(user: str, expected: tuple[bool, float, int]) -> None:
    snapshot = _build_snapshot()
    in_holdout, u, number = expected

    digest = hashlib.sha256(f"{ID}:{user}".encode()).digest()
    seed = int.from_bytes(digest[:4]), int.from_bytes(digest[4:8])
    proposal = decision.decide_variant(
        snapshot, user, decision.resolve_context(snapshot, {}), NOW
    )
    drawn_proposal = decision.draw_variant(
        snapshot, user, decision.resolve_context(snapshot, {}), NOW
    )

    assert reference_draw.compute_uniform(number, seed) == u
    assert reference_draw.draw_number(ROW, seed) == number
    assert proposal.in_holdout is in_holdout
    assert drawn_proposal.card.number == number
    assert drawn_proposal.propensity == ROW[number - 1]
    assert proposal.card.number == (1 if in_holdout else number)
    assert proposal.propensity == (1.0 if in_holdout else ROW[number - 1])


@pytest.mark.parametrize(
    ("percentage", "threshold"),
    [
        (0, "00000000"),
        (0.00000001, "00000000"),
        (1, "028f5c29"),
        (5, "0ccccccd"),
        (10, "1999999a"),
        (12.5, "20000000"),
        (33.3, "553f7cee"),
        (50, "80000000"),
    ],
)
def test_the_holdout_threshold(percentage: float, threshold: str) -> None:
    assert snapshot.compute_holdout_threshold(percentage) == threshold


def test_nobody_is_in_the_holdout_at_zero() -> None:
    assert not any(
        decision.is_in_holdout(ID, f"user-{n}", "00000000") for n in range(10_000)
    )


@pytest.mark.parametrize(
    ("values", "cell_index", "recorded"),
    [
        ({}, 15, "{}"),
        ({"device": None, "returning": None}, 15, "{}"),
        (
            {"device": "mobile", "returning": True},
            0,
            '{"device":"mobile","returning":"true"}',
        ),
        (
            {"device": "desktop", "returning": "false"},
            5,
            '{"device":"desktop","returning":"false"}',
        ),
        ({"device": "tv", "returning": 1}, 10, '{"device":"tv","returning":"1"}'),
        ({"device": "Mobile", "else": "x"}, 11, '{"device":"Mobile"}'),
        ({"device": "a\0b"}, 11, '{"device":"a\ufffdb"}'),
    ],
)
def test_a_context_resolves_to_its_context_cell(
    values: dict[str, Any], cell_index: int, recorded: str
) -> None:
    context = decision.resolve_context(_build_snapshot(), values)

    assert (context.cell_index, context.recorded) == (cell_index, recorded)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (1, "1"),
        (1.0, "1"),
        (1.5, "1.5"),
        (100, "100"),
        (1e21, "1000000000000000000000"),
        (1e-7, "0.0000001"),
        (-0.0, "0"),
        (-2.50, "-2.5"),
        ("1.50", "1.50"),
        (" a ", " a "),
        ("", ""),
    ],
)
def test_values_are_compared_as_text(value: object, text: str) -> None:
    assert format_level(value) == text


@pytest.mark.parametrize("value", [[], {}, [1], {"a": 1}])
def test_a_nested_value_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidParametersError) as refused:
        decision.resolve_context(_build_snapshot(), {"returning": value})

    assert refused.value.details[0].field == "context.returning"


@pytest.mark.parametrize(
    ("changes", "origin", "error"),
    [
        ({"status": "draft"}, None, ConflictError),
        ({"status": "paused"}, None, ConflictError),
        ({"status": "completed"}, None, NotFoundError),
        ({"status": "archived"}, None, NotFoundError),
        ({"allowed_origins": ("https://a.com",)}, "https://b.com", ForbiddenError),
        ({"allowed_origins": ("https://a.com",)}, "null", ForbiddenError),
    ],
)
def test_what_is_not_served(
    changes: dict[str, Any], origin: str | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        decision.check_serve_allowed(_build_snapshot(**changes), origin, None)


def test_the_key_of_another_organization_is_refused() -> None:
    with pytest.raises(ForbiddenError, match="another organization"):
        decision.check_serve_allowed(_build_snapshot(), None, "org_2")


def test_what_is_served() -> None:
    decision.check_serve_allowed(_build_snapshot(), "https://anywhere.com", None)
    decision.check_serve_allowed(_build_snapshot(status="shipped"), None, None)
    decision.check_serve_allowed(
        _build_snapshot(allowed_origins=("https://a.com",)), None, None
    )
    decision.check_serve_allowed(
        _build_snapshot(allowed_origins=("https://a.com",)), "https://a.com", "org_1"
    )


def test_a_shipped_optimization_serves_the_leader_of_the_context() -> None:
    leading = tuple(1 + number % 4 for number in range(16))
    snapshot = _build_snapshot(status="shipped", leading=leading)
    context = decision.resolve_context(
        snapshot, {"device": "desktop", "returning": False}
    )

    proposal = decision.decide_shipped_variant(snapshot, "anybody", context, NOW)

    assert (proposal.card.number, proposal.in_holdout) == (leading[5], False)


def test_the_leader_is_servable_and_the_lowest_number_wins_a_tie() -> None:
    best = np.array([[0.1, 0.8, 0.1], [0.25, 0.5, 0.25], [0.2, 0.4, 0.4]])
    servable = np.array([True, False, True])

    assert snapshot.pick_leading_variants(best, servable) == (1, 1, 3)


def test_a_snapshot_is_the_same_after_a_round_trip_through_bytes() -> None:
    snapshot = _build_snapshot(probabilities=np.random.default_rng(1).random((16, 4)))

    copy = parse_snapshot_bytes(snapshot.to_bytes())

    assert copy.to_bytes() == snapshot.to_bytes()
    assert np.array_equal(copy.probabilities, snapshot.probabilities)
    assert copy.cards == snapshot.cards
    assert copy.contexts == snapshot.contexts
    assert list(copy.card(2).levels) == ["headline", "cta"]


def test_bytes_of_another_format_are_refused() -> None:
    data = _build_snapshot().to_bytes().replace(b'"format":2', b'"format":1')

    with pytest.raises(ValueError, match="format"):
        parse_snapshot_bytes(data)


rows = st.lists(st.floats(0, 1), min_size=2, max_size=100).filter(lambda r: sum(r) > 0)


@given(rows, st.text(min_size=1, max_size=20))
def test_only_variants_with_a_probability_are_drawn(
    weights: list[float], user: str
) -> None:
    row = np.array(weights) / sum(weights)
    cards = tuple(
        VariantCard(n + 1, str(n), {}, servable=True) for n in range(len(row))
    )
    table = np.tile(row, (16, 1))
    snapshot = _build_snapshot(cards=cards, probabilities=table)

    drawn_proposal = decision.draw_variant(
        snapshot, user, decision.resolve_context(snapshot, {}), NOW
    )

    assert drawn_proposal.propensity > 0
    assert drawn_proposal.propensity == row[drawn_proposal.card.number - 1]


json_scalars = st.none() | st.booleans() | st.integers() | st.text() | st.floats()


@given(st.dictionaries(st.sampled_from(["device", "returning", "x"]), json_scalars))
def test_any_scalar_resolves_to_a_context_cell(values: dict[str, Any]) -> None:
    finite = {
        key: value
        for key, value in values.items()
        if not isinstance(value, float) or math.isfinite(value)  # as JSON requires
    }

    context = decision.resolve_context(_build_snapshot(), finite)

    assert 0 <= context.cell_index < 16
    assert "\0" not in context.recorded
    assert len(context.recorded) < 1000


def test_a_full_memory_of_prepared_rows_starts_again() -> None:
    count, variants = 600, 100
    cards = tuple(
        VariantCard(n + 1, str(n), {}, servable=True) for n in range(variants)
    )
    snapshot = _build_snapshot(
        cards=cards, probabilities=np.full((count, variants), 1 / variants)
    )

    first = snapshot.prepare_row(0)
    rows = [snapshot.prepare_row(cell) for cell in range(count)]

    assert rows[0] is first
    assert snapshot.prepare_row(count - 1) is rows[-1]
    assert snapshot.prepare_row(0) is not first
    assert snapshot.prepare_row(0) == first


def test_a_redraw_is_another_draw_of_the_same_row() -> None:
    snapshot = _build_snapshot()
    context = decision.resolve_context(snapshot, {})

    first, redrawn = (
        [
            decision.draw_variant(snapshot, f"user-{n}", context, NOW, redraw=redraw)
            for n in range(200)
        ]
        for redraw in (0, 1)
    )

    assert {proposal.redraw for proposal in redrawn} == {1}
    changed = sum(a.card != b.card for a, b in zip(first, redrawn, strict=True))
    assert 100 < changed < 180
