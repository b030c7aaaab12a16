"""Memory of snapshots: bounded in bytes and number, fair to every organization."""

import tracemalloc
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from pytest_django import Settings

from optimizations.factors import ContextFactor
from optimizations.serving import snapshot_memory
from optimizations.serving.bounded_copies import BoundedCopies
from optimizations.serving.service import ServeRequest
from optimizations.serving.snapshot import Snapshot, VariantCard
from optimizations.views.prepared_snapshots import PreparedSnapshots
from optimizations.views.serve_json import ContextBudget, prepare_snapshot


def put(copies: BoundedCopies[str], key: str, owner: str, size: int = 10) -> None:
    """Put a copy into room for 5 copies and 100 bytes."""
    copies.put(key, key, owner=owner, size=size, max_count=5, max_bytes=100)


def list_kept(copies: BoundedCopies[str], *keys: str) -> list[str]:
    """Return which of the keys are kept."""
    return [key for key in keys if copies.get(key) is not None]


def test_the_bytes_are_bounded_and_the_copy_used_longest_ago_goes_first() -> None:
    copies: BoundedCopies[str] = BoundedCopies()
    for key in ("a", "b", "c"):
        put(copies, key, "acme", 30)
    copies.get("a")

    put(copies, "d", "acme", 30)

    assert list_kept(copies, "a", "b", "c", "d") == ["a", "c", "d"]
    assert copies.total_bytes == 90


def test_who_keeps_much_drives_out_their_own_and_not_those_of_others() -> None:
    copies: BoundedCopies[str] = BoundedCopies()
    put(copies, "small", "acme", 10)
    for number in range(20):
        put(copies, f"large-{number}", "greedy", 40)

    assert list_kept(copies, "small", "large-18", "large-19") == [
        "small",
        "large-18",
        "large-19",
    ]
    assert len(copies) == 3


def test_invented_ids_drive_out_no_snapshot() -> None:
    copies: BoundedCopies[str] = BoundedCopies()
    put(copies, "real", "acme")
    for number in range(20):
        put(copies, f"invented-{number}", "", 1)

    assert list_kept(copies, "real", "invented-19") == ["real", "invented-19"]
    assert len(copies) == 5


def test_a_copy_larger_than_all_room_is_kept_alone() -> None:
    copies: BoundedCopies[str] = BoundedCopies()
    put(copies, "small", "acme")

    put(copies, "huge", "acme", 1000)
    replaced = list_kept(copies, "small", "huge")
    put(copies, "next", "acme")

    assert replaced == ["huge"]
    assert list_kept(copies, "huge", "next") == ["next"]


def test_a_copy_that_is_put_again_counts_once() -> None:
    copies: BoundedCopies[str] = BoundedCopies()
    for size in (10, 20, 30):
        put(copies, "a", "acme", size)

    assert (len(copies), copies.total_bytes) == (1, 30)


def build_snapshot(variants: int, levels: int) -> Snapshot:
    """Build a snapshot with one context factor."""
    names = tuple(f"level-{number}" for number in range(levels))
    contexts = (ContextFactor("device", names),)
    cells = levels + 2
    return Snapshot(
        optimization_id="00000000-0000-0000-0000-000000000001",
        organization_id="acme",
        version=1,
        status="live",
        holdout_percentage=0.0,
        holdout_threshold="00000000",
        public_policy=False,
        allowed_origins=(),
        cards=tuple(
            VariantCard(
                number, f'{{"headline":"{number}"}}', {"headline": "x"}, servable=True
            )
            for number in range(1, variants + 1)
        ),
        contexts=contexts,
        policy_version=1,
        probabilities=np.full((cells, variants), 1 / variants),
        leading=(1,) * cells,
        assignments_epoch=0,
    )


@pytest.mark.parametrize(("variants", "levels"), [(2, 3), (100, 1998)])
def test_the_estimated_bytes_bound_what_a_snapshot_takes(
    variants: int, levels: int
) -> None:
    tracemalloc.start()
    try:
        snapshot = build_snapshot(variants, levels)
        for cell in range(levels + 2):
            snapshot.prepare_row(cell)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert taken <= snapshot.estimate_bytes() * 1.1 + 5_000


def test_the_snapshots_of_a_process_keep_within_the_setting(
    settings: Settings,
) -> None:
    memory = snapshot_memory._SnapshotMemory()
    snapshot = build_snapshot(100, 50)
    settings.SNAPSHOT_MEMORY_BYTES = 3 * snapshot.estimate_bytes()

    for number in range(10):
        memory.put(str(number), snapshot)

    kept = [number for number in range(10) if memory.get(str(number)) is not None]
    assert kept == [7, 8, 9]


def test_prepared_snapshots_are_no_more_than_twice_what_the_memory_keeps(
    settings: Settings,
) -> None:
    snapshots = [build_named_snapshot(number) for number in range(100)]
    settings.SNAPSHOT_MEMORY_BYTES = 5 * snapshots[0].estimate_bytes()
    prepared = PreparedSnapshots()
    snapshot_memory._memory.reset()

    for snapshot in snapshots:
        snapshot_memory.put_copy(snapshot.optimization_id, snapshot)
        prepared.prepare(snapshot)

    kept = [snapshot for snapshot in snapshots if snapshot_memory.is_kept(snapshot)]
    snapshot_memory._memory.reset()
    assert len(kept) == 5
    assert len(prepared) <= 10


def build_named_snapshot(number: int) -> Snapshot:
    """Build a snapshot with an id of its own."""
    return replace(build_snapshot(2, 3), optimization_id=str(UUID(int=number)))


def test_remembered_contexts_are_bounded_over_all_snapshots() -> None:
    budget = ContextBudget(left=3)
    prepared = [
        prepare_snapshot(build_named_snapshot(number), budget) for number in range(2)
    ]
    requests = [
        ServeRequest("", "ann", {"device": f"level-{level}"}) for level in range(2)
    ]

    contexts = [
        each.resolve_context(request) for each in prepared for request in requests
    ]
    full = budget.left
    prepared[0].forget_contexts()

    assert len(contexts) == 4
    assert (full, budget.left) == (0, 2)
