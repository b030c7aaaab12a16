"""Read a snapshot from bytes of the cache, where others may have written anything. Pure."""

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from optimizations import factors
from optimizations.factors import ContextFactor
from optimizations.models import Optimization
from optimizations.serving.snapshot import (
    SNAPSHOT_FORMAT,
    Floats,
    Snapshot,
    VariantCard,
)

FIELDS = frozenset(
    {
        *("format", "optimization_id", "organization_id", "version", "status"),
        *("holdout_percentage", "holdout_threshold", "public_policy"),
        *("allowed_origins", "cards", "contexts", "policy_version", "shape"),
        *("leading", "assignments_epoch"),
    }
)
THRESHOLD_PATTERN = re.compile(r"[0-9a-f]{8,9}")
LEVEL_TYPES = frozenset({str, bool, int, float})
MAX_BIGINT = 2**63 - 1
MAX_INTEGER = 2**31 - 1  # receipts hold the policy version as an integer of Postgres


def parse_snapshot_bytes(data: bytes) -> Snapshot:
    """Return the snapshot that `Snapshot.to_bytes` wrote.

    Raises ValueError for another format, and for fields that are missing, too many, of
    another type, or that contradict each other.
    """
    line, _, table = data.partition(b"\n")
    fields = orjson.loads(line)
    _require(isinstance(fields, dict), "the header")
    _require(fields.get("format") == SNAPSHOT_FORMAT, "format")
    _require(fields.keys() == FIELDS, "the names of fields")
    cards = _parse_cards(fields["cards"])
    contexts = _parse_contexts(fields["contexts"])
    shape = (factors.count_context_cells(contexts), len(cards))
    _require(fields["shape"] == list(shape), "shape")
    return Snapshot(
        optimization_id=_read_text(fields, "optimization_id"),
        organization_id=_read_text(fields, "organization_id"),
        version=_read_number(fields, "version"),
        status=_parse_status(fields),
        holdout_percentage=_parse_percentage(fields),
        holdout_threshold=_parse_threshold(fields),
        public_policy=_read_flag(fields["public_policy"], "public_policy"),
        allowed_origins=_parse_texts(fields["allowed_origins"], "allowed_origins"),
        cards=cards,
        contexts=contexts,
        policy_version=_read_number(fields, "policy_version", MAX_INTEGER),
        probabilities=_parse_table(table, shape),
        leading=_parse_leading(fields["leading"], shape),
        assignments_epoch=_read_number(fields, "assignments_epoch"),
    )


def _build_error(name: str) -> ValueError:
    return ValueError(f"the cached snapshot is malformed: {name}")


def _require(is_valid: bool, name: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not is_valid:
        raise _build_error(name)


def _read_text(fields: Mapping[str, Any], name: str) -> str:
    value = fields[name]
    _require(isinstance(value, str) and value != "", name)
    return str(value)


def _read_number(
    fields: Mapping[str, Any], name: str, largest: int = MAX_BIGINT
) -> int:
    value = fields[name]
    _require(type(value) is int and 0 <= value <= largest, name)
    return int(value)


def _read_flag(value: object, name: str) -> bool:
    _require(isinstance(value, bool), name)
    return bool(value)


def _parse_status(fields: Mapping[str, Any]) -> str:
    status = _read_text(fields, "status")
    _require(status in Optimization.Status.values, "status")
    return status


def _parse_percentage(fields: Mapping[str, Any]) -> float:
    value = fields["holdout_percentage"]
    _require(type(value) in {int, float} and 0 <= value <= 100, "holdout_percentage")
    return float(value)


def _parse_threshold(fields: Mapping[str, Any]) -> str:
    threshold = _read_text(fields, "holdout_threshold")
    is_hex = THRESHOLD_PATTERN.fullmatch(threshold) is not None
    _require(is_hex, "holdout_threshold")
    return threshold


def _parse_texts(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _build_error(name)
    return tuple(value)


def _parse_cards(value: object) -> tuple[VariantCard, ...]:
    if not isinstance(value, list) or not value:
        raise _build_error("cards")
    return tuple(
        _parse_card(card, number) for number, card in enumerate(value, start=1)
    )


def _parse_card(value: object, expected_number: int) -> VariantCard:
    if not isinstance(value, list) or len(value) != 4:
        raise _build_error("a card")
    number, key, levels, servable = value
    _require(type(number) is int and number == expected_number, "a card's number")
    _require(isinstance(levels, dict) and bool(levels), "a card's levels")
    are_levels = all(type(level) in LEVEL_TYPES for level in levels.values())
    _require(are_levels, "a card's levels")
    _require(isinstance(key, str), "a card's key")
    return VariantCard(number, key, levels, _read_flag(servable, "a card's flag"))


def _parse_contexts(value: object) -> tuple[ContextFactor, ...]:
    if not isinstance(value, list):
        raise _build_error("contexts")
    return tuple(_parse_context(factor) for factor in value)


def _parse_context(value: object) -> ContextFactor:
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[0], str):
        raise _build_error("a context")
    return ContextFactor(value[0], _parse_texts(value[1], "the levels of a context"))


def _parse_table(data: bytes, shape: tuple[int, int]) -> Floats:
    """Return the table. Every row draws some variant: its weights are not all 0."""
    _require(len(data) == math.prod(shape) * 8, "the table's size")
    table = np.frombuffer(data, "<f8").reshape(shape)
    is_probability = np.isfinite(table).all() and ((table >= 0) & (table <= 1)).all()
    _require(bool(is_probability and table.any(axis=1).all()), "the table")
    return table


def _parse_leading(value: object, shape: tuple[int, int]) -> tuple[int, ...]:
    cell_count, variant_count = shape
    if not isinstance(value, list) or len(value) != cell_count:
        raise _build_error("leading")
    for number in value:
        is_number = type(number) is int and 1 <= number <= variant_count
        _require(is_number, "a number of leading")
    return tuple(value)
