"""Assignments and receipts under concurrency: threads, forks, lost connections."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from optimizations.models import Assignment, Decision
from optimizations.serving import (
    assignments,
    batching,
    event_loop,
)
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.snapshot import Snapshot
from tests.support.claims import build_proposal, claim_variant, load_snapshot
from tests.support.optimization_factories import make_live_optimization
from tests.support.running_service import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

FORK = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a busy machine: these tests are about rows, not about time."""
    monkeypatch.setattr(batching, "MAX_WAIT_SECONDS", 30.0)


def _find(snapshot: Snapshot, user: str) -> AssignedVariant | None:
    return event_loop.run_in_loop(
        assignments.find_assignment(snapshot.optimization_id, user)
    )


def test_a_thousand_first_serves_at_once_make_one_assignment_and_one_receipt() -> None:
    snapshot = load_snapshot(make_live_optimization())
    gate = threading.Barrier(50)

    def serve(number: int) -> AssignedVariant:
        if number < 50:
            gate.wait()
        return claim_variant(snapshot, "u1")

    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(serve, range(1000)))

    assert len(results) == 1000
    assert [result.sticky for result in results].count(False) == 1
    assert len({result.decided_at for result in results}) == 1
    assert len({result.variant_number for result in results}) == 1
    assert Assignment.objects.count() == 1
    assert Decision.objects.count() == 1


def test_processes_assign_every_user_the_same_variant() -> None:
    snapshot = load_snapshot(make_live_optimization())
    users = [f"u{n}" for n in range(200)]
    results: multiprocessing.Queue[list[tuple[str, int, bool]]] = FORK.Queue()

    def claim(user: str) -> tuple[str, int, bool]:
        assigned = claim_variant(snapshot, user)
        return user, assigned.variant_number, assigned.sticky

    def claim_all() -> None:
        with ThreadPoolExecutor(8) as pool:
            results.put(list(pool.map(claim, users)))

    workers = [FORK.Process(target=claim_all) for _ in range(3)]
    for worker in workers:
        worker.start()
    results_by_worker = [results.get(timeout=30 * PATIENCE) for _ in workers]
    for worker in workers:
        worker.join(10)

    assigned = [
        {user: number for user, number, _ in rows} for rows in results_by_worker
    ]
    assert assigned[0] == assigned[1] == assigned[2]
    new_users = [
        user for rows in results_by_worker for user, _, sticky in rows if not sticky
    ]
    assert sorted(new_users) == sorted(users)
    assert Assignment.objects.count() == 200
    assert Decision.objects.count() == 200


def test_a_fork_starts_a_committer_of_its_own() -> None:
    snapshot = load_snapshot(make_live_optimization())
    before = claim_variant(snapshot, "u1")
    results: multiprocessing.Queue[tuple[int, bool]] = FORK.Queue()

    def claim_again() -> None:
        assigned = claim_variant(snapshot, "u1")
        results.put((assigned.variant_number, assigned.sticky))

    child = FORK.Process(target=claim_again)
    child.start()
    repeated = results.get(timeout=20 * PATIENCE)
    child.join(10)

    assert repeated == (before.variant_number, True)
    assert claim_variant(snapshot, "u2").sticky is False


def test_claims_of_many_users_share_statements_and_stay_apart() -> None:
    snapshot = load_snapshot(make_live_optimization())
    users = [f"u{n % 300}" for n in range(900)]

    with ThreadPoolExecutor(32) as pool:
        results = list(
            pool.map(
                lambda user: claim_variant(snapshot, user),
                users,
            )
        )

    for user, assigned in zip(users, results, strict=True):
        expected = build_proposal(snapshot, user)
        assert assigned.variant_number == expected.card.number
        assert assigned.in_holdout == expected.in_holdout
    assert sum(not result.sticky for result in results) == 300
    assert Decision.objects.count() == 300


def test_a_claim_sent_twice_writes_one_receipt_and_is_known_to_be_new() -> None:
    snapshot = load_snapshot(make_live_optimization())
    claim = assignments._Claim(build_proposal(snapshot, "u1"), decision_id=17)

    first = event_loop.run_in_loop(assignments._store_claims([claim]))
    second = event_loop.run_in_loop(assignments._store_claims([claim]))

    assert first == second
    assert [assigned.sticky for assigned in second if assigned] == [False]
    assert [receipt.id for receipt in Decision.objects.all()] == [17]


def test_a_killed_connection_is_replaced_and_nothing_lost() -> None:
    snapshot = load_snapshot(make_live_optimization())
    claim_variant(snapshot, "u1")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'levered assignments'"
        )

    assigned = claim_variant(snapshot, "u2")

    assert assigned.sticky is False
    assert Assignment.objects.count() == 2
    assert Decision.objects.count() == 2


def test_a_missing_day_partition_is_created_on_demand() -> None:
    snapshot = load_snapshot(make_live_optimization())
    far = timezone.now() + timedelta(days=40)

    assigned = claim_variant(snapshot, "u1", far)

    assert assigned.decided_at == far
    assert Decision.objects.get().decided_at == far


def test_finding_an_assignment_writes_nothing() -> None:
    snapshot = load_snapshot(make_live_optimization())
    assert _find(snapshot, "u1") is None
    claimed = claim_variant(snapshot, "u1")

    assigned = _find(snapshot, "u1")

    assert assigned is not None
    assert (assigned.variant_number, assigned.sticky) == (claimed.variant_number, True)
    assert Decision.objects.count() == 1


def test_decided_at_is_utc_to_the_microsecond() -> None:
    snapshot = load_snapshot(make_live_optimization())
    now = datetime(2026, 3, 28, 14, 22, 0, 123456, tzinfo=UTC)

    assigned = claim_variant(snapshot, "u1", now)

    assert assigned.decided_at == now
    assert assigned.decided_at.utcoffset() == timedelta(0)


def test_a_user_who_is_erased_at_the_same_moment_fails_nobody_else() -> None:
    snapshot = load_snapshot(make_live_optimization())
    erased, stored = (
        assignments._Claim(build_proposal(snapshot, user), decision_id=number)
        for number, user in enumerate(("erased", "stored"), start=1)
    )

    results = event_loop.run_in_loop(
        assignments._settle_claims([erased, stored], {stored.decision_id})
    )

    assert results[0] is None
    assert results[1] is not None
    assert results[1].decision_id == 2
