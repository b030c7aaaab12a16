"""Redraws of barred variants: once, by the newest state, when all know of the bar."""

import multiprocessing
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update
from optimizations.models import Assignment, Decision
from optimizations.serving import (
    assigning,
    assignments,
    batching,
    decision,
    event_loop,
    snapshot_memory,
    snapshot_store,
)
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.assigning import Visit
from optimizations.serving.snapshot import Snapshot
from tests.support.claims import build_proposal, claim_variant, load_snapshot
from tests.support.factories import read_body
from tests.support.optimization_factories import make_live_optimization
from tests.support.running_service import until
from tests.support.serve_requests import serve_user

pytestmark = pytest.mark.django_db(transaction=True)

FORK = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for a busy machine: these tests are about rows, not about time."""
    monkeypatch.setattr(batching, "MAX_WAIT_SECONDS", 30.0)


def _find_user_of_variant_3(snapshot: Snapshot) -> str:
    users = (f"u{n}" for n in range(1000))
    return next(
        user for user in users if build_proposal(snapshot, user).card.number == 3
    )


def _serve(snapshot: Snapshot, user: str) -> AssignedVariant:
    context = decision.resolve_context(snapshot, {})
    visit = Visit(snapshot, user, context, timezone.now())
    return event_loop.run_in_loop(
        assigning.decide(visit, "recorded", is_capped=False), 30
    )


def test_concurrent_redraws_of_one_user_agree_and_write_one_receipt() -> None:
    optimization = make_live_optimization(holdout_percentage=0)
    old = load_snapshot(optimization)
    users = [f"u{n}" for n in range(40)]
    before = {user: claim_variant(old, user) for user in users}
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    new = load_snapshot(optimization)
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
    optimization = make_live_optimization(holdout_percentage=0)
    before = load_snapshot(optimization)
    user = _find_user_of_variant_3(before)
    first = claim_variant(before, user)
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    snapshot = load_snapshot(optimization)
    context = decision.resolve_context(snapshot, {})

    def redraw() -> AssignedVariant:
        proposal = decision.draw_variant(
            snapshot, user, context, timezone.now(), redraw=1
        )
        return event_loop.run_in_loop(assignments.redraw_assignment(proposal, first))

    second, third = redraw(), redraw()

    assert (second.sticky, third.sticky) == (False, True)
    assert third.decision_id == second.decision_id
    assert Decision.objects.count() == 2


def test_a_process_that_missed_the_end_of_a_bar_does_not_redraw() -> None:
    """Its snapshot is older than the assignment: the bar it knows was lifted before."""
    optimization = make_live_optimization(holdout_percentage=0)
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    stale = load_snapshot(optimization)
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=True)
    fresh = load_snapshot(optimization)
    user = _find_user_of_variant_3(fresh)

    assert _serve(fresh, user).variant_number == 3
    assert _serve(stale, user).variant_number == 3
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    assert _serve(load_snapshot(optimization), user).variant_number != 3
    assert Decision.objects.count() == 2


def test_a_process_that_missed_the_end_of_a_bar_stores_no_redraw() -> None:
    """The user was assigned before the bar; the others serve the variant again."""
    optimization = make_live_optimization(holdout_percentage=0)
    before = load_snapshot(optimization)
    users = [f"u{n}" for n in range(40)]
    first = {user: claim_variant(before, user) for user in users}
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    stale = load_snapshot(optimization)
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=True)

    served = {user: _serve(stale, user) for user in users}

    assert 3 in {assigned.variant_number for assigned in first.values()}
    assert {user: each.variant_number for user, each in served.items()} == {
        user: each.variant_number for user, each in first.items()
    }
    assert all(each.sticky for each in served.values())
    assert Decision.objects.count() == 40


def test_nobody_is_redrawn_until_every_process_knows_of_the_bar(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot_memory, "SETTLE_SECONDS", 0.5)
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


def test_erasures_do_not_put_off_a_redraw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each moves the epoch of assignments; only bars have to be heard of."""
    monkeypatch.setattr(snapshot_memory, "SETTLE_SECONDS", 0.5)
    optimization = make_live_optimization(holdout_percentage=0)
    user = next(
        user
        for user in (f"u{n}" for n in range(1000))
        if read_body(serve_user(optimization, user))["variant_number"] == 3
    )
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)

    def erase_somebody_and_serve() -> bool:
        with transaction.atomic():
            snapshot_store.publish_on_commit(optimization.pk, forgets_assignments=True)
        return bool(read_body(serve_user(optimization, user))["variant_number"] != 3)

    until(erase_somebody_and_serve, 5)
