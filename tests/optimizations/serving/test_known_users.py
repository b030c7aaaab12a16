"""The memory of known users: bounded, and empty for an epoch that has passed."""

import dataclasses
from datetime import UTC, datetime

import pytest

from optimizations.serving import snapshot_loader
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.known_users import KnownUsers
from optimizations.serving.snapshot import Snapshot
from tests.support.optimization_factories import make_live_optimization

pytestmark = pytest.mark.django_db


def _load_snapshot() -> Snapshot:
    snapshot = snapshot_loader.query_snapshot(str(make_live_optimization().pk))
    assert snapshot is not None
    return snapshot


def _assign(number: int) -> AssignedVariant:
    now = datetime(2026, 3, 28, tzinfo=UTC)
    return AssignedVariant(
        number,
        in_holdout=False,
        policy_version=1,
        propensity=0.25,
        decided_at=now,
        sticky=False,
    )


def test_a_known_user_is_sticky() -> None:
    users, snapshot = KnownUsers(), _load_snapshot()
    users.remember(snapshot, "u1", _assign(2))

    known = users.find(snapshot, "u1")

    assert known == _assign(2)._replace(sticky=True)
    assert users.find(snapshot, "u2") is None


def test_optimizations_are_apart() -> None:
    users, one, other = KnownUsers(), _load_snapshot(), _load_snapshot()
    users.remember(one, "u1", _assign(2))

    assert users.find(other, "u1") is None


def test_a_newer_epoch_forgets_everybody() -> None:
    users, old = KnownUsers(), _load_snapshot()
    new = dataclasses.replace(old, assignments_epoch=old.assignments_epoch + 1)
    users.remember(old, "u1", _assign(2))

    assert users.find(new, "u1") is None


def test_a_late_reader_of_the_old_epoch_does_not_replace_the_new() -> None:
    users, old = KnownUsers(), _load_snapshot()
    new = dataclasses.replace(old, assignments_epoch=old.assignments_epoch + 1)
    users.remember(new, "u1", _assign(3))
    users.remember(old, "u1", _assign(2))

    known = users.find(new, "u1")

    assert known is not None
    assert known.variant_number == 3


def test_the_memory_is_bounded_and_keeps_who_returns() -> None:
    users, snapshot = KnownUsers(generation_size=10), _load_snapshot()
    users.remember(snapshot, "loyal", _assign(2))
    for number in range(200):
        users.remember(snapshot, f"u{number}", _assign(1))
        assert users.find(snapshot, "loyal") is not None

    remembered = sum(
        users.find(snapshot, f"u{number}") is not None for number in range(200)
    )
    assert remembered <= 20
