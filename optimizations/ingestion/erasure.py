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
from optimizations.ingestion.events import LONGEST_ID
from optimizations.models import Optimization
from warehouse import partitions

# Days by which a statement deletes: it locks every partition that it may touch, with its
# indexes, and a year's would take the server's room for locks.
BATCH: Final = 31

# Each by the table's index that begins with the user.
EXPOSURES = """
DELETE FROM managed_exposures
WHERE optimization_id = ANY(%(optimizations)s) AND anonymous_id = %(user)s
  AND timestamp_utc >= %(since)s AND timestamp_utc < %(until)s
  AND organization_id = %(organization)s
"""
DECISIONS = """
DELETE FROM decisions
WHERE optimization_id = ANY(%(optimizations)s) AND anonymous_id = %(user)s
  AND decided_at >= %(since)s AND decided_at < %(until)s
  AND organization_id = %(organization)s
"""
REWARDS = """
DELETE FROM managed_rewards
WHERE organization_id = %(organization)s AND anonymous_id = %(user)s
  AND timestamp_utc >= %(since)s AND timestamp_utc < %(until)s
"""
# A refresh that is just remembering who was touched has these rows: it is waited for,
# and finds no event of the person afterwards.
MARKS = """
SELECT FROM look_backs WHERE optimization_id = ANY(%(optimizations)s)
ORDER BY optimization_id FOR UPDATE
"""
REMEMBERED = """
DELETE FROM first_touches
WHERE optimization_id = ANY(%(optimizations)s) AND anonymous_id = %(user)s
"""
LOCKS = """
DELETE FROM assignments
WHERE optimization_id = ANY(%(optimizations)s) AND anonymous_id = %(user)s
"""


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows of the person there were."""

    exposures: int
    rewards: int
    decisions: int
    assignments: int


def erase(organization_id: str, anonymous_id: str, actor: Actor) -> Erased:
    """Erase a person of the organization from the managed store and from serving.

    Counts of sealed days stay; open days are counted without the person at the next
    refresh. Who comes back is a new user. Goes by days, each committed for itself, the
    lock last: whoever is interrupted repeats it. Raises InvalidParametersError.
    """
    if not 1 <= len(anonymous_id) <= LONGEST_ID or "\0" in anonymous_id:
        raise InvalidParametersError.of(
            "anonymous_id", f"must have 1 to {LONGEST_ID} characters, none of them NUL"
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
    exposures = _by_days("managed_exposures", EXPOSURES, person)
    rewards = _by_days("managed_rewards", REWARDS, person)
    decisions = _by_days("decisions", DECISIONS, person)
    return Erased(exposures, rewards, decisions, _forget(person))


@transaction.atomic
def _forget(person: dict[str, Any]) -> int:
    """Forget the locks and that there was a first touch; how many locks."""
    _execute(MARKS, person)
    _execute(REMEMBERED, person)
    return _execute(LOCKS, person)


def _by_days(table: str, text: str, person: dict[str, Any]) -> int:
    days = partitions.days(table)
    batches = [days[start : start + BATCH] for start in range(0, len(days), BATCH)]
    return sum(
        _execute(
            text,
            person
            | {
                "since": _start(batch[0]),
                "until": _start(batch[-1] + timedelta(days=1)),
            },
        )
        for batch in batches
    )


def _execute(text: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return int(cursor.rowcount)


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
