"""Forgetting a person: events, receipts, locks and what is remembered; counts stay."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from levered_site.errors import InvalidParametersError
from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from levered_site.organizations.models import Organization
from optimizations.ingestion.events import MAX_ID_LENGTH
from optimizations.models import Optimization
from warehouse import partitions

# Days by which a statement deletes: it locks every partition that it may touch, with its
# indexes, and a year's would take the server's room for locks.
DAYS_PER_BATCH: Final = 31

# Each by the table's index that begins with the user.
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
# A refresh that is just remembering who was touched has these rows: it is waited for,
# and finds no event of the person afterwards.
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
"""


@dataclass(frozen=True, slots=True)
class ErasedCounts:
    """How many rows of the person there were."""

    exposures: int
    rewards: int
    decisions: int
    assignments: int


def erase_user(organization_id: str, anonymous_id: str, actor: Actor) -> ErasedCounts:
    """Erase a person of the organization from the managed store and from serving.

    Counts of sealed days stay; open days are counted without the person at the next
    refresh. Who comes back is a new user. Goes by days, each committed for itself, the
    lock last: whoever is interrupted repeats it. Raises InvalidParametersError.
    """
    if not 1 <= len(anonymous_id) <= MAX_ID_LENGTH or "\0" in anonymous_id:
        raise InvalidParametersError.for_field(
            "anonymous_id",
            f"must have 1 to {MAX_ID_LENGTH} characters, none of them NUL",
        )
    organization = Organization.objects.get(pk=organization_id)
    mine = Optimization.objects.filter(organization_id=organization_id)
    person = {
        "organization": organization_id,
        "optimizations": list(mine.values_list("pk", flat=True)),
        "user": anonymous_id,
    }
    trace = salted_hmac("levered.erasure", f"{organization_id}:{anonymous_id}")
    changes = {"person": trace.hexdigest()}
    audit.record(organization_id, actor, "user.erase", organization, changes)
    exposures = _delete_by_days("managed_exposures", DELETE_EXPOSURES, person)
    rewards = _delete_by_days("managed_rewards", DELETE_REWARDS, person)
    decisions = _delete_by_days("decisions", DELETE_DECISIONS, person)
    return ErasedCounts(exposures, rewards, decisions, _delete_assignments(person))


@transaction.atomic
def _delete_assignments(person: dict[str, Any]) -> int:
    """Forget the locks and that there was a first touch; how many locks."""
    _execute_statement(LOCK_LOOK_BACKS, person)
    _execute_statement(DELETE_FIRST_TOUCHES, person)
    return _execute_statement(DELETE_ASSIGNMENTS, person)


def _delete_by_days(table: str, text: str, person: dict[str, Any]) -> int:
    days = partitions.days(table)
    batches = [
        days[start : start + DAYS_PER_BATCH]
        for start in range(0, len(days), DAYS_PER_BATCH)
    ]
    return sum(
        _execute_statement(
            text,
            person
            | {
                "since": _get_day_start(batch[0]),
                "until": _get_day_start(batch[-1] + timedelta(days=1)),
            },
        )
        for batch in batches
    )


def _execute_statement(text: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return int(cursor.rowcount)


def _get_day_start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
