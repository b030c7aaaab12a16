"""Erase a person's events, receipts, assignments and first touches; counts stay."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from levered_site.database import fetch_rows
from levered_site.errors import InvalidParametersError
from levered_site.limits import MAX_ANONYMOUS_ID_LENGTH
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from levered_site.organizations.models import Organization
from optimizations.models import Optimization
from optimizations.serving import snapshot_store
from warehouse import partitions

# Days per DELETE. A statement locks every partition that it may touch, with its indexes;
# a year of partitions would fill the server's lock table.
DAYS_PER_BATCH: Final = 31

# Each DELETE uses the table's index that begins with the user.
DELETE_EXPOSURES = """
DELETE FROM managed_exposures
WHERE optimization_id = ANY(%(optimizations)s) AND anonymous_id = %(user)s
  AND timestamp_utc >= %(since)s AND timestamp_utc < %(until)s
  AND organization_id = %(organization)s
"""
DELETE_DECISIONS = """
DELETE FROM decisions
WHERE optimization_id = ANY(%(optimizations)s) AND anonymous_id = %(user)s
  AND decided_at >= %(since)s AND decided_at < %(until)s
  AND organization_id = %(organization)s
"""
DELETE_REWARDS = """
DELETE FROM managed_rewards
WHERE organization_id = %(organization)s AND anonymous_id = %(user)s
  AND timestamp_utc >= %(since)s AND timestamp_utc < %(until)s
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


def erase_user(organization_id: str, anonymous_id: str, actor: Actor) -> ErasedCounts:
    """Erase a person of the organization from the managed store and from serving.

    Counts of sealed days stay; the next refresh counts open days without the person.
    If the person comes back, they are a new user. Days are deleted in batches, each
    committed on its own, and assignments last: repeat an interrupted erasure. Raises
    InvalidParametersError for an id that no user can have.
    """
    if not 1 <= len(anonymous_id) <= MAX_ANONYMOUS_ID_LENGTH or "\0" in anonymous_id:
        raise InvalidParametersError.for_field(
            "anonymous_id",
            f"must have 1 to {MAX_ANONYMOUS_ID_LENGTH} characters and no NUL",
        )
    organization = Organization.objects.get(pk=organization_id)
    optimizations = Optimization.objects.filter(organization_id=organization_id)
    parameters = {
        "organization": organization_id,
        "optimizations": list(optimizations.values_list("pk", flat=True)),
        "user": anonymous_id,
    }
    pseudonym = salted_hmac("levered.erasure", f"{organization_id}:{anonymous_id}")
    changes = {"person": pseudonym.hexdigest()}
    audit.record(organization_id, actor, "user.erase", organization, changes)
    exposures = _delete_by_days("managed_exposures", DELETE_EXPOSURES, parameters)
    rewards = _delete_by_days("managed_rewards", DELETE_REWARDS, parameters)
    decisions = _delete_by_days("decisions", DELETE_DECISIONS, parameters)
    return ErasedCounts(exposures, rewards, decisions, _delete_assignments(parameters))


@transaction.atomic
def _delete_assignments(parameters: dict[str, Any]) -> int:
    """Delete first touches and assignments; return the number of assignments.

    Every process that serves forgets the person as soon as it sees the new snapshots.
    """
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


def _delete_by_days(table: str, statement: str, parameters: dict[str, Any]) -> int:
    days = partitions.days(table)
    batches = [
        days[start : start + DAYS_PER_BATCH]
        for start in range(0, len(days), DAYS_PER_BATCH)
    ]
    return sum(
        _execute_statement(
            statement,
            parameters
            | {
                "since": _get_day_start(batch[0]),
                "until": _get_day_start(batch[-1] + timedelta(days=1)),
            },
        )
        for batch in batches
    )


def _execute_statement(statement: str, parameters: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _get_day_start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
