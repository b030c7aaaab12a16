"""Find and delete a person's events, receipts, assignments and first touches."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection, transaction

from levered_site.database import fetch_rows
from optimizations.models import Optimization
from optimizations.serving import snapshot_store
from warehouse import partitions

# Days per statement. A statement locks every partition that it may touch, with its
# indexes; a year of partitions would fill the server's lock table.
DAYS_PER_BATCH: Final = 31
DAY: Final = timedelta(days=1)

# Each is read by the table's index that begins with the user, but rewards of a day that is
# not over: these are found among the organization's (`warehouse.closed_days`).
EXPOSURES_OF_PERSON = """
FROM managed_exposures
WHERE optimization_id = ANY(%(optimizations)s) AND anonymous_id = %(user)s
  AND timestamp_utc >= %(since)s AND timestamp_utc < %(until)s
  AND organization_id = %(organization)s
"""
DECISIONS_OF_PERSON = """
FROM decisions
WHERE optimization_id = ANY(%(optimizations)s) AND anonymous_id = %(user)s
  AND decided_at >= %(since)s AND decided_at < %(until)s
  AND organization_id = %(organization)s
"""
REWARDS_OF_PERSON = """
FROM managed_rewards
WHERE organization_id = %(organization)s AND anonymous_id = %(user)s
  AND timestamp_utc >= %(since)s AND timestamp_utc < %(until)s
"""
SELECT_DAYS = """
SELECT DISTINCT optimization_id, CAST({moment} AT TIME ZONE 'UTC' AS date) AS day
{rows_of_person}
"""
# A refresh that is storing first touches holds these rows. Wait for it: the next one
# finds no event of the person.
LOCK_LOOK_BACKS = """
SELECT FROM look_backs WHERE optimization_id = ANY(%(optimizations)s)
ORDER BY optimization_id FOR UPDATE
"""
DELETE_FIRST_TOUCHES = """
DELETE FROM first_touches
WHERE optimization_id = ANY(%(optimizations)s) AND anonymous_id = %(user)s
"""
DELETE_ASSIGNMENTS = """
DELETE FROM assignments
WHERE optimization_id = ANY(%(optimizations)s) AND anonymous_id = %(user)s
RETURNING optimization_id, decision_id, decided_at
"""
# Receipts of the assignments just deleted, which were written after their days were.
DELETE_RECEIPTS = """
DELETE FROM decisions
WHERE id = ANY(%(decision_ids)s) AND decided_at = ANY(%(decided_at)s)
  AND organization_id = %(organization)s
"""


@dataclass(frozen=True, slots=True)
class ErasedCounts:
    """How many rows of the person were erased, by table."""

    exposures: int
    rewards: int
    decisions: int
    assignments: int


@dataclass(frozen=True, slots=True)
class TouchDays:
    """The days (UTC) on which a person has exposures and receipts of an optimization."""

    exposures: frozenset[date]
    receipts: frozenset[date]

    def find_first_days(self, is_possible: Callable[[date], bool]) -> set[date]:
        """Return the first possible day of each kind: a receipt is the first touch."""
        return {
            day
            for days in (self.exposures, self.receipts)
            for day in sorted(filter(is_possible, days))[:1]
        }


@dataclass(frozen=True, slots=True)
class PersonRows:
    """The days (UTC) on which a person has rows: touches by optimization, and rewards."""

    exposure_days: Mapping[UUID, frozenset[date]]
    decision_days: Mapping[UUID, frozenset[date]]
    reward_days: frozenset[date]

    def find_touch_days(self) -> dict[UUID, TouchDays]:
        """Return the days of touches by optimization."""
        none: frozenset[date] = frozenset()
        return {
            optimization_id: TouchDays(
                self.exposure_days.get(optimization_id, none),
                self.decision_days.get(optimization_id, none),
            )
            for optimization_id in self.exposure_days.keys() | self.decision_days
        }


def find_person_rows(organization_id: str, anonymous_id: str) -> PersonRows:
    """Find the days with rows of a person, some partitions at a time."""
    parameters = _build_parameters(organization_id, anonymous_id)
    rewards = _find_days("managed_rewards", REWARDS_OF_PERSON, parameters)
    return PersonRows(
        _find_days("managed_exposures", EXPOSURES_OF_PERSON, parameters),
        _find_days("decisions", DECISIONS_OF_PERSON, parameters, "decided_at"),
        frozenset().union(*rewards.values()),
    )


@transaction.atomic
def delete_person(
    organization_id: str, anonymous_id: str, rows: PersonRows
) -> ErasedCounts:
    """Delete a person's rows of these days, first touches and assignments, all or nothing.

    Every process that serves forgets the person as soon as it sees the new snapshots.
    """
    parameters = _build_parameters(organization_id, anonymous_id)
    exposure_days = frozenset().union(*rows.exposure_days.values())
    decision_days = frozenset().union(*rows.decision_days.values())
    return ErasedCounts(
        exposures=_delete_days(EXPOSURES_OF_PERSON, exposure_days, parameters),
        rewards=_delete_days(REWARDS_OF_PERSON, rows.reward_days, parameters),
        decisions=_delete_days(DECISIONS_OF_PERSON, decision_days, parameters),
        assignments=_delete_assignments(parameters),
    )


def _build_parameters(organization_id: str, anonymous_id: str) -> dict[str, Any]:
    optimizations = Optimization.objects.filter(organization_id=organization_id)
    return {
        "organization": organization_id,
        "optimizations": list(optimizations.values_list("pk", flat=True)),
        "user": anonymous_id,
    }


@transaction.atomic
def _delete_assignments(parameters: dict[str, Any]) -> int:
    """Delete first touches and assignments; return the number of assignments."""
    _execute_statement(LOCK_LOOK_BACKS, parameters)
    _execute_statement(DELETE_FIRST_TOUCHES, parameters)
    with connection.cursor() as cursor:
        cursor.execute(DELETE_ASSIGNMENTS, parameters)
        rows = fetch_rows(cursor)
    receipts = {
        "decision_ids": [row.decision_id for row in rows],
        "decided_at": [row.decided_at for row in rows],
    }
    _execute_statement(DELETE_RECEIPTS, parameters | receipts)
    for optimization_id in sorted(row.optimization_id for row in rows):
        snapshot_store.publish_on_commit(optimization_id, forgets_assignments=True)
    return len(rows)


def _find_days(
    table: str,
    rows_of_person: str,
    parameters: dict[str, Any],
    moment: str = "timestamp_utc",
) -> dict[UUID, frozenset[date]]:
    """Return the days with rows of the person by optimization."""
    statement = SELECT_DAYS.format(moment=moment, rows_of_person=rows_of_person)
    found: dict[UUID, frozenset[date]] = {}
    days = partitions.days(table)
    for start in range(0, len(days), DAYS_PER_BATCH):
        batch = days[start : start + DAYS_PER_BATCH]
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters | _build_span(batch[0], batch[-1]))
            for row in fetch_rows(cursor):
                known = found.get(row.optimization_id, frozenset())
                found[row.optimization_id] = known | {row.day}
    return found


def _delete_days(
    rows_of_person: str, days: Iterable[date], parameters: dict[str, Any]
) -> int:
    """Delete the rows of these days; partitions of other days are not touched."""
    return sum(
        _execute_statement(f"DELETE {rows_of_person}", parameters | _build_span(*span))
        for span in _group_consecutive_days(days)
    )


def _group_consecutive_days(days: Iterable[date]) -> list[tuple[date, date]]:
    spans: list[tuple[date, date]] = []
    for day in sorted(days):
        if spans and day - spans[-1][1] == DAY:
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans


def _build_span(first: date, last: date) -> dict[str, datetime]:
    return {"since": _get_day_start(first), "until": _get_day_start(last + DAY)}


def _execute_statement(statement: str, parameters: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _get_day_start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
