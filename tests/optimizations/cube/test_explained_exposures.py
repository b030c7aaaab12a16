"""Exposures accepted, less those that the checks explain, are those that are counted.

Before and after a pause, the end and erasures, against a count of the rows one by one.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import recording_gaps
from optimizations.cube import person_erasure, stale_days_managed
from optimizations.models import ErasedRemainder, Optimization, RecordingGap
from tests.support import factories, warehouse_events
from tests.support.cube_events import hour_of_day_back, make_optimization
from tests.support.factories import read_body
from tests.support.reference_cube import Touch
from warehouse.models import ManagedExposure

pytestmark = pytest.mark.django_db(transaction=True)

A = '{"cta":false,"headline":"A"}'
LAUNCH, PAUSE, RESUME, END = (hour_of_day_back(back) for back in (14, 11, 10, 4))
USERS = [f"u{number}" for number in range(12)]


@dataclass(frozen=True)
class Accepted:
    """An exposure, and when it came."""

    user: str
    at: datetime
    came_at: datetime


@dataclass(frozen=True)
class Account:
    """Where the accepted exposures went."""

    counted: int
    uncounted: Counter[str]
    history: Counter[str]
    blank: int
    after_horizon: int


def _make_world(*, is_ended: bool) -> Optimization:
    optimization = make_optimization()
    optimization.regimes.update(starts_at=LAUNCH)
    gaps: list[tuple[datetime, datetime | None, str]] = [(PAUSE, RESUME, "paused")]
    if is_ended:
        gaps.append((END, None, "completed"))
    for start, end, status in gaps:
        RecordingGap.objects.create(
            optimization=optimization, starts_at=start, ends_at=end, status=status
        )
    optimization.went_live_at = LAUNCH
    if is_ended:
        optimization.ended_at, optimization.status = END, "completed"
    optimization.save()
    return optimization


def _store_random(optimization: Optimization, rng: random.Random) -> list[Accepted]:
    """Store exposures of some users in every stretch of time; half of them came late."""
    now = timezone.now()
    span = now - LAUNCH + timedelta(days=3)
    rows = []
    for _ in range(60):
        at = now - rng.random() * span
        user = rng.choice([*USERS, " "])
        rows.append(Accepted(user, at, rng.choice([at, now])))
    touches = [Touch(row.user, row.at, A, "{}", 0) for row in rows]
    warehouse_events.store_events(
        optimization.organization_id, str(optimization.pk), touches
    )
    for row in rows:
        ManagedExposure.objects.filter(timestamp_utc=row.at).update(
            created_at=row.came_at
        )
    return rows


def _account(
    optimization: Optimization, rows: Sequence[Accepted], owners: Sequence[Accepted]
) -> Account:
    """Say of each row where it went; `owners` have the first touches."""
    horizon = timedelta(hours=_get_horizon(optimization))
    uncounted: Counter[str] = Counter()
    history: Counter[str] = Counter()
    counted = blank = after_horizon = 0
    for row in rows:
        gap = _find_gap(optimization, row.at)
        if gap is not None:
            uncounted[gap] += 1
        elif not row.user.strip():
            blank += 1
        elif (first := _find_first_touch(optimization, owners, row.user)) is None:
            pytest.fail("an exposure outside of gaps has no first touch")
        elif row.at > first + horizon:
            after_horizon += 1
        else:
            counted += 1
            is_late = optimization.ended_at is not None and row.came_at > END
            if is_late:
                history["came_after_end"] += 1
            elif row.at < LAUNCH:
                history["before_launch"] += 1
    return Account(counted, uncounted, history, blank, after_horizon)


def _get_horizon(optimization: Optimization) -> int:
    hours: int = optimization.model.training_data_config["attribution"]["horizon_hours"]
    return hours


def _find_gap(optimization: Optimization, at: datetime) -> str | None:
    if PAUSE <= at < RESUME:
        return "paused"
    return "ended" if optimization.ended_at is not None and at >= END else None


def _find_first_touch(
    optimization: Optimization, rows: Sequence[Accepted], user: str
) -> datetime | None:
    return min(
        (
            row.at
            for row in rows
            if row.user == user and _find_gap(optimization, row.at) is None
        ),
        default=None,
    )


def _is_kept(
    optimization: Optimization, rows: Sequence[Accepted], row: Accepted
) -> bool:
    """Tell whether the row of an erased user stays: in or beside a sealed count."""
    first = _find_first_touch(optimization, rows, row.user)
    if first is not None and _is_sealed(optimization, first):
        return True
    return _find_gap(optimization, row.at) is not None and _is_sealed(
        optimization, row.at
    )


def _is_sealed(optimization: Optimization, at: datetime) -> bool:
    return stale_days_managed.is_sealed(
        at.date(), _get_horizon(optimization), timezone.now()
    )


def _read_account(optimization: Optimization, after_horizon: int) -> Account:
    """Read what the service says; nothing there tells of returns after the horizon."""
    api = factories.make_member_api(optimization.organization)
    path = f"/optimizations/{optimization.pk}/results?refresh=full"
    results: dict[str, Any] = read_body(api.get(path))
    checks = results["checks"]
    return Account(
        sum(variant["exposures"] for variant in results["variants"]),
        Counter(checks["uncounted_exposures"]["by_reason"]),
        Counter(checks["imported_history"]["by_reason"]),
        checks["blank_id"]["exposures"],
        after_horizon,
    )


@pytest.mark.parametrize("is_ended", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_accepted_less_explained_is_counted_also_after_erasures(
    seed: int, is_ended: bool
) -> None:
    optimization = _make_world(is_ended=is_ended)
    rng = random.Random(seed)  # noqa: S311 - a world, not a secret
    rows = _store_random(optimization, rng)

    _check_account(optimization, rows, rows)
    erased = rng.sample(USERS, 6)
    for user in erased:
        person_erasure.erase_user(optimization.organization_id, user, SYSTEM_ACTOR)
    kept = [
        row
        for row in rows
        if row.user not in erased or _is_kept(optimization, rows, row)
    ]
    _check_account(optimization, kept, rows)


def _check_account(
    optimization: Optimization, rows: Sequence[Accepted], owners: Sequence[Accepted]
) -> None:
    expected = _account(optimization, rows, owners)
    account = _read_account(optimization, expected.after_horizon)
    assert account == expected
    explained = account.uncounted.total() + account.blank + account.after_horizon
    assert len(rows) - explained == account.counted
    assert account.history.total() <= account.counted


def test_who_was_first_seen_in_a_pause_stays_counted_by_the_next_touch() -> None:
    optimization = _make_world(is_ended=False)
    touches = [
        Touch("ann", PAUSE + timedelta(hours=1), A, "{}", 0),
        Touch("ann", RESUME + timedelta(days=1), A, "{}", 0),
        Touch("ben", PAUSE + timedelta(hours=2), A, "{}", 0),
    ]
    owner = (optimization.organization_id, str(optimization.pk))
    warehouse_events.store_events(*owner, touches)
    before = _read_account(optimization, 0)

    for user in ("ann", "ben"):
        person_erasure.erase_user(optimization.organization_id, user, SYSTEM_ACTOR)

    assert not ManagedExposure.objects.exists()
    assert before == Account(1, Counter(paused=2), Counter(), 0, 0)
    assert _read_account(optimization, 0) == before
    texts = str(list(ErasedRemainder.objects.values_list("rows", flat=True)))
    assert "ann" not in texts


def test_the_end_closes_a_pause_at_the_same_moment() -> None:
    optimization = _make_world(is_ended=True)
    later = END + timedelta(milliseconds=3)
    RecordingGap.objects.create(
        optimization=optimization,
        starts_at=END - timedelta(hours=1),
        ends_at=later,
        status="paused",
    )

    spans = recording_gaps.list_gaps(optimization)

    assert [(span.reason, span.ends_at) for span in spans] == [
        *(("paused", RESUME), ("paused", END), ("ended", None)),
    ]
