"""Locks and receipts under concurrency: threads, processes, lost connections."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update
from optimizations.models import Assignment, Decision, Optimization
from optimizations.serving import assignments, decision, snapshot_loader
from optimizations.serving.assignments import AssignedVariant
from optimizations.serving.snapshot import Proposal, Snapshot
from tests.support import optimization_factories

pytestmark = pytest.mark.django_db(transaction=True)

FORK = multiprocessing.get_context("fork")


def _live(**overrides: object) -> Optimization:
    return optimization_factories.make_optimization(
        optimization_factories.make_organization(), **overrides
    )


def _snapshot(optimization: Optimization) -> Snapshot:
    found = snapshot_loader.query_snapshot(str(optimization.pk))
    assert found is not None
    return found


def _proposal(snapshot: Snapshot, user: str, now: datetime | None = None) -> Proposal:
    context = decision.resolve_context(snapshot, {})
    return decision.decide_variant(snapshot, user, context, now or timezone.now())


def test_a_thousand_first_serves_at_once_make_one_lock_and_one_receipt() -> None:
    snapshot = _snapshot(_live())
    gate = threading.Barrier(50)

    def serve(number: int) -> AssignedVariant:
        if number < 50:
            gate.wait()
        return assignments.claim_assignment(_proposal(snapshot, "u1"))

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(serve, range(1000)))

    assert len(found) == 1000
    assert [one.sticky for one in found].count(False) == 1
    assert len({one.decided_at for one in found}) == 1
    assert len({one.variant_number for one in found}) == 1
    assert Assignment.objects.count() == 1
    assert Decision.objects.count() == 1


def test_processes_agree_on_every_user() -> None:
    snapshot = _snapshot(_live())
    users = [f"u{n}" for n in range(200)]
    results: multiprocessing.Queue[list[tuple[str, int, bool]]] = FORK.Queue()

    def claim(user: str) -> tuple[str, int, bool]:
        locked = assignments.claim_assignment(_proposal(snapshot, user))
        return user, locked.variant_number, locked.sticky

    def claim_all() -> None:
        with ThreadPoolExecutor(8) as pool:
            results.put(list(pool.map(claim, users)))

    workers = [FORK.Process(target=claim_all) for _ in range(3)]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=30) for _ in workers]
    for worker in workers:
        worker.join(10)

    kept = [{user: number for user, number, _ in rows} for rows in found]
    assert kept[0] == kept[1] == kept[2]
    firsts = [user for rows in found for user, _, sticky in rows if not sticky]
    assert sorted(firsts) == sorted(users)
    assert Assignment.objects.count() == 200
    assert Decision.objects.count() == 200


def test_a_fork_starts_a_committer_of_its_own() -> None:
    snapshot = _snapshot(_live())
    before = assignments.claim_assignment(_proposal(snapshot, "u1"))
    results: multiprocessing.Queue[tuple[int, bool]] = FORK.Queue()

    def again() -> None:
        locked = assignments.claim_assignment(_proposal(snapshot, "u1"))
        results.put((locked.variant_number, locked.sticky))

    child = FORK.Process(target=again)
    child.start()
    found = results.get(timeout=20)
    child.join(10)

    assert found == (before.variant_number, True)
    assert assignments.claim_assignment(_proposal(snapshot, "u2")).sticky is False


def test_claims_of_many_users_share_statements_and_stay_apart() -> None:
    snapshot = _snapshot(_live())
    users = [f"u{n % 300}" for n in range(900)]

    with ThreadPoolExecutor(32) as pool:
        found = list(
            pool.map(
                lambda user: assignments.claim_assignment(_proposal(snapshot, user)),
                users,
            )
        )

    for user, locked in zip(users, found, strict=True):
        expected = _proposal(snapshot, user)
        assert locked.variant_number == expected.card.number
        assert locked.in_holdout == expected.in_holdout
    assert sum(not one.sticky for one in found) == 300
    assert Decision.objects.count() == 300


def test_a_claim_sent_twice_writes_one_receipt() -> None:
    snapshot = _snapshot(_live())
    ticket = assignments._PendingAssignment(_proposal(snapshot, "u1"), 0.0)
    committer = assignments._GroupCommitter()

    committer._commit_batch([ticket])
    rows = committer._commit_batch([ticket])
    committer._drop_connection()

    assert [row[7] for row in rows] == [ticket.decision_id]
    assert Decision.objects.count() == 1


def test_a_killed_connection_is_replaced_and_nothing_lost() -> None:
    snapshot = _snapshot(_live())
    assignments.claim_assignment(_proposal(snapshot, "u1"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'levered locks'"
        )

    found = assignments.claim_assignment(_proposal(snapshot, "u2"))

    assert found.sticky is False
    assert Assignment.objects.count() == 2
    assert Decision.objects.count() == 2


def test_a_missing_day_is_made_on_demand() -> None:
    snapshot = _snapshot(_live())
    far = timezone.now() + timedelta(days=40)

    found = assignments.claim_assignment(_proposal(snapshot, "u1", far))

    assert found.decided_at == far
    assert Decision.objects.get().decided_at == far


def test_old_and_new_state_in_one_batch_follow_the_newer() -> None:
    optimization = _live(holdout_percentage=0)
    old = _snapshot(optimization)
    users = [f"u{n}" for n in range(40)]
    locked = {
        user: assignments.claim_assignment(_proposal(old, user)) for user in users
    }
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    new = _snapshot(optimization)
    committer = assignments._GroupCommitter()
    tickets = [
        assignments._PendingAssignment(_proposal(old, user), 0.0) for user in users[:20]
    ]
    tickets += [
        assignments._PendingAssignment(_proposal(new, user), 0.0) for user in users
    ]

    groups: dict[object, list[assignments._PendingAssignment]] = {}
    for ticket in tickets:
        groups.setdefault(ticket.key, []).append(ticket)
    rows = committer._commit_batch(
        [assignments._pick_leader(one) for one in groups.values()]
    )
    committer._drop_connection()

    kept = {row[1]: row[2] for row in rows}
    assert any(one.variant_number == 3 for one in locked.values())
    for user in users:
        before = locked[user].variant_number
        assert kept[user] != 3
        assert kept[user] == before or before == 3


def test_a_find_writes_nothing() -> None:
    snapshot = _snapshot(_live())
    assert assignments.find_assignment(snapshot.optimization_id, "u1") is None
    made = assignments.claim_assignment(_proposal(snapshot, "u1"))

    found = assignments.find_assignment(snapshot.optimization_id, "u1")

    assert found is not None
    assert (found.variant_number, found.sticky) == (made.variant_number, True)
    assert Decision.objects.count() == 1


def test_decided_at_is_utc_to_the_microsecond() -> None:
    snapshot = _snapshot(_live())
    now = datetime(2026, 3, 28, 14, 22, 0, 123456, tzinfo=UTC)

    found = assignments.claim_assignment(_proposal(snapshot, "u1", now))

    assert found.decided_at == now
    assert found.decided_at.utcoffset() == timedelta(0)
