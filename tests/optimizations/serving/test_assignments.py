"""Assignments and receipts under concurrency: threads, forks, lost connections."""

import multiprocessing
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update
from optimizations.models import Assignment, Decision, Optimization
from optimizations.serving import (
    assigning,
    assignments,
    batching,
    decision,
    event_loop,
    snapshot_loader,
    snapshot_store,
)
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.assigning import Visit
from optimizations.serving.snapshot import Proposal, Snapshot
from tests.support.factories import read_body
from tests.support.optimization_factories import make_live_optimization
from tests.support.running_service import PATIENCE, until
from tests.support.serve_requests import serve_user

pytestmark = pytest.mark.django_db(transaction=True)

FORK = multiprocessing.get_context("fork")


def _load_snapshot(optimization: Optimization) -> Snapshot:
    snapshot = snapshot_loader.query_snapshot(str(optimization.pk))
    assert snapshot is not None
    return snapshot


def _build_proposal(
    snapshot: Snapshot, user: str, now: datetime | None = None
) -> Proposal:
    context = decision.resolve_context(snapshot, {})
    return decision.decide_variant(snapshot, user, context, now or timezone.now())


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a busy machine: these tests are about rows, not about time."""
    monkeypatch.setattr(batching, "MAX_WAIT_SECONDS", 30.0)


def _claim(
    snapshot: Snapshot, user: str, now: datetime | None = None
) -> AssignedVariant:
    return event_loop.run_in_loop(
        assignments.claim_assignment(_build_proposal(snapshot, user, now)), 30
    )


def _find(snapshot: Snapshot, user: str) -> AssignedVariant | None:
    return event_loop.run_in_loop(
        assignments.find_assignment(snapshot.optimization_id, user)
    )


def test_a_thousand_first_serves_at_once_make_one_assignment_and_one_receipt() -> None:
    snapshot = _load_snapshot(make_live_optimization())
    gate = threading.Barrier(50)

    def serve(number: int) -> AssignedVariant:
        if number < 50:
            gate.wait()
        return _claim(snapshot, "u1")

    with ThreadPoolExecutor(50) as pool:
        results = list(pool.map(serve, range(1000)))

    assert len(results) == 1000
    assert [result.sticky for result in results].count(False) == 1
    assert len({result.decided_at for result in results}) == 1
    assert len({result.variant_number for result in results}) == 1
    assert Assignment.objects.count() == 1
    assert Decision.objects.count() == 1


def test_processes_assign_every_user_the_same_variant() -> None:
    snapshot = _load_snapshot(make_live_optimization())
    users = [f"u{n}" for n in range(200)]
    results: multiprocessing.Queue[list[tuple[str, int, bool]]] = FORK.Queue()

    def claim(user: str) -> tuple[str, int, bool]:
        assigned = _claim(snapshot, user)
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
    snapshot = _load_snapshot(make_live_optimization())
    before = _claim(snapshot, "u1")
    results: multiprocessing.Queue[tuple[int, bool]] = FORK.Queue()

    def claim_again() -> None:
        assigned = _claim(snapshot, "u1")
        results.put((assigned.variant_number, assigned.sticky))

    child = FORK.Process(target=claim_again)
    child.start()
    repeated = results.get(timeout=20 * PATIENCE)
    child.join(10)

    assert repeated == (before.variant_number, True)
    assert _claim(snapshot, "u2").sticky is False


def test_claims_of_many_users_share_statements_and_stay_apart() -> None:
    snapshot = _load_snapshot(make_live_optimization())
    users = [f"u{n % 300}" for n in range(900)]

    with ThreadPoolExecutor(32) as pool:
        results = list(
            pool.map(
                lambda user: _claim(snapshot, user),
                users,
            )
        )

    for user, assigned in zip(users, results, strict=True):
        expected = _build_proposal(snapshot, user)
        assert assigned.variant_number == expected.card.number
        assert assigned.in_holdout == expected.in_holdout
    assert sum(not result.sticky for result in results) == 300
    assert Decision.objects.count() == 300


def test_a_claim_sent_twice_writes_one_receipt_and_is_known_to_be_new() -> None:
    snapshot = _load_snapshot(make_live_optimization())
    claim = assignments._Claim(_build_proposal(snapshot, "u1"), decision_id=17)

    first = event_loop.run_in_loop(assignments._store_claims([claim]))
    second = event_loop.run_in_loop(assignments._store_claims([claim]))

    assert first == second
    assert [assigned.sticky for assigned in second] == [False]
    assert [receipt.id for receipt in Decision.objects.all()] == [17]


def test_a_killed_connection_is_replaced_and_nothing_lost() -> None:
    snapshot = _load_snapshot(make_live_optimization())
    _claim(snapshot, "u1")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'levered assignments'"
        )

    assigned = _claim(snapshot, "u2")

    assert assigned.sticky is False
    assert Assignment.objects.count() == 2
    assert Decision.objects.count() == 2


def test_a_missing_day_partition_is_created_on_demand() -> None:
    snapshot = _load_snapshot(make_live_optimization())
    far = timezone.now() + timedelta(days=40)

    assigned = _claim(snapshot, "u1", far)

    assert assigned.decided_at == far
    assert Decision.objects.get().decided_at == far


def test_concurrent_redraws_of_one_user_agree_and_write_one_receipt() -> None:
    optimization = make_live_optimization(holdout_percentage=0)
    old = _load_snapshot(optimization)
    users = [f"u{n}" for n in range(40)]
    before = {user: _claim(old, user) for user in users}
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    new = _load_snapshot(optimization)
    barred = [user for user in users if before[user].variant_number == 3]

    def redraw(number: int) -> tuple[str, int]:
        user = barred[number % len(barred)]
        proposal = decision.draw_variant(
            new, user, decision.resolve_context(new, {}), timezone.now(), redraw=1
        )
        assigned = event_loop.run_in_loop(
            assignments.redraw_assignment(proposal, before[user])
        )
        return user, assigned.variant_number

    with ThreadPoolExecutor(16) as pool:
        redrawn = set(pool.map(redraw, range(10 * len(barred))))

    assert barred
    assert len(redrawn) == len(barred)
    assert 3 not in {number for _, number in redrawn}
    assert Assignment.objects.count() == 40
    assert Decision.objects.count() == 40 + len(barred)


def test_a_redraw_of_an_assignment_that_was_replaced_changes_nothing() -> None:
    snapshot = _load_snapshot(make_live_optimization(holdout_percentage=0))
    first = _claim(snapshot, "u1")
    context = decision.resolve_context(snapshot, {})

    def redraw() -> AssignedVariant:
        proposal = decision.draw_variant(
            snapshot, "u1", context, timezone.now(), redraw=1
        )
        return event_loop.run_in_loop(assignments.redraw_assignment(proposal, first))

    second, third = redraw(), redraw()

    assert (second.sticky, third.sticky) == (False, True)
    assert third.decision_id == second.decision_id
    assert Decision.objects.count() == 2


def test_finding_an_assignment_writes_nothing() -> None:
    snapshot = _load_snapshot(make_live_optimization())
    assert _find(snapshot, "u1") is None
    claimed = _claim(snapshot, "u1")

    assigned = _find(snapshot, "u1")

    assert assigned is not None
    assert (assigned.variant_number, assigned.sticky) == (claimed.variant_number, True)
    assert Decision.objects.count() == 1


def test_decided_at_is_utc_to_the_microsecond() -> None:
    snapshot = _load_snapshot(make_live_optimization())
    now = datetime(2026, 3, 28, 14, 22, 0, 123456, tzinfo=UTC)

    assigned = _claim(snapshot, "u1", now)

    assert assigned.decided_at == now
    assert assigned.decided_at.utcoffset() == timedelta(0)


def test_a_process_that_missed_the_end_of_a_bar_does_not_redraw() -> None:
    """Its snapshot is older than the assignment: the bar it knows was lifted before."""
    optimization = make_live_optimization(holdout_percentage=0)
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    stale = _load_snapshot(optimization)
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=True)
    fresh = _load_snapshot(optimization)
    user = next(
        user
        for user in (f"u{n}" for n in range(1000))
        if _build_proposal(fresh, user).card.number == 3
    )

    def serve(snapshot: Snapshot) -> AssignedVariant:
        context = decision.resolve_context(snapshot, {})
        visit = Visit(snapshot, user, context, timezone.now())
        return event_loop.run_in_loop(
            assigning.decide(visit, "recorded", is_capped=False), 30
        )

    assert serve(fresh).variant_number == 3
    assert serve(stale).variant_number == 3
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    assert serve(_load_snapshot(optimization)).variant_number != 3
    assert Decision.objects.count() == 2


def test_nobody_is_redrawn_until_every_process_knows_of_the_bar(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot_store, "SETTLE_SECONDS", 0.5)
    optimization = make_live_optimization(holdout_percentage=0)
    first = [read_body(serve_user(optimization, f"u{n}")) for n in range(20)]
    barred = {
        answer["anonymous_id"] for answer in first if answer["variant_number"] == 3
    }
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)

    def serve_all(users: Iterable[str]) -> set[int]:
        answers = [read_body(serve_user(optimization, user)) for user in users]
        return {answer["variant_number"] for answer in answers}

    assert barred
    assert serve_all(barred) == {3}
    assert 3 not in serve_all(f"new-{n}" for n in range(20))
    until(lambda: 3 not in serve_all(barred), 5)
    assert Decision.objects.count() == 40 + len(barred)
