"""Promises of the service as functions of what clients saw and what is stored."""

import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from benchmarks.soak.journal import Answer, Bar, Journal

# How long after a bar its variant may still be served. Quiet processes need half a
# second; where the message about the bar was lost with Valkey, they ask the database
# every few seconds.
MAX_BARRED_SECONDS = 6.0
# A connection may break so long after a kill: until the part is back under load.
MAX_BROKEN_SECONDS = 15.0
ROUNDING_SECONDS = 1.0  # answers tell whole seconds


@dataclass(frozen=True, slots=True)
class Decided:
    """A row of `decisions` or `assignments`; `id` is the receipt's."""

    anonymous_id: str
    id: int
    variant_number: int
    policy_version: int
    decided_at: float


def check_unrecorded(
    users: Iterable[str], receipts_by_user: Mapping[str, Sequence[Decided]]
) -> list[str]:
    """A decision that was asked for without a record left none."""
    return [
        f"{user} has a receipt, against `record: false`"
        for user in users
        if user in receipts_by_user
    ]


def check_assignments(
    assignments: Iterable[Decided],
    receipts_by_user: Mapping[str, Sequence[Decided]],
    answers: Iterable[Answer],
) -> list[str]:
    """Every acknowledged user has one assignment, which is that user's last receipt."""
    by_user = {one.anonymous_id: one for one in assignments}
    lost = {answer.user for answer in answers} - by_user.keys()
    violations = [f"{user} was answered and has no assignment" for user in lost]
    for user, assignment in by_user.items():
        receipts = receipts_by_user.get(user, ())
        if not receipts or receipts[-1] != assignment:
            violations.append(f"{user}: {assignment} is not the last of {receipts}")
    violations += [
        f"{user} has receipts and no assignment"
        for user in receipts_by_user.keys() - by_user.keys()
    ]
    return violations


def check_redraws(
    receipts_by_user: Mapping[str, Sequence[Decided]], bars: Sequence[Bar]
) -> list[str]:
    """A second receipt replaces a variant that was barred when it was decided."""
    violations = []
    for user, receipts in receipts_by_user.items():
        for old, new in pairwise(receipts):
            was_barred = any(
                bar.number == old.variant_number
                and bar.requested_at - ROUNDING_SECONDS <= new.decided_at
                and new.decided_at <= bar.lifted_at + MAX_BARRED_SECONDS
                for bar in bars
            )
            if not was_barred:
                violations.append(f"{user}: {old} was replaced by {new} without a bar")
    return violations


def check_answers(
    receipts_by_user: Mapping[str, Sequence[Decided]], answers: Iterable[Answer]
) -> list[str]:
    """Every answer shows a receipt of its user, never one older than shown before."""
    by_user: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_user[answer.user].append(answer)
    violations = []
    for user, own in by_user.items():
        receipts = receipts_by_user.get(user, ())
        shown = [(a, _find_receipts(receipts, a)) for a in own]
        violations += [f"{a} shows no receipt" for a, found in shown if not found]
        violations += _check_order([(a, found) for a, found in shown if found])
    return violations


def _find_receipts(receipts: Sequence[Decided], answer: Answer) -> list[int]:
    """Return the positions of the receipts that an answer may show."""
    decided_at = datetime.fromisoformat(answer.timestamp).timestamp()
    return [
        position
        for position, receipt in enumerate(receipts)
        if receipt.variant_number == answer.variant_number
        and receipt.policy_version == answer.policy_version
        and abs(receipt.decided_at - decided_at) <= ROUNDING_SECONDS
    ]


def _check_order(shown: Sequence[tuple[Answer, list[int]]]) -> list[str]:
    """A request sent after an answer arrived never shows an older receipt."""
    received = sorted(shown, key=lambda one: one[0].received_at)
    newest_known, position = -1, 0
    violations = []
    for answer, found in sorted(shown, key=lambda one: one[0].sent_at):
        while received[position][0].received_at < answer.sent_at:
            newest_known = max(newest_known, received[position][1][0])
            position += 1
        if found[-1] < newest_known:
            violations.append(f"{answer} shows an older receipt than before")
    return violations


def check_bars(journal: Journal) -> list[str]:
    late = find_longest_barred_serve(journal)
    if late <= MAX_BARRED_SECONDS:
        return []
    return [f"a barred variant was served {late:.1f} s after its bar"]


def find_longest_barred_serve(journal: Journal) -> float:
    """Return how many seconds after a bar was confirmed its variant was still served."""
    longest = 0.0
    for bar in journal.bars:
        for answer in journal.answers:
            if (
                answer.variant_number == bar.number
                and bar.confirmed_at < answer.sent_at
                and answer.received_at < bar.lifted_at
            ):
                longest = max(longest, answer.sent_at - bar.confirmed_at)
    return longest


def check_events(
    kind: str, acknowledged: Iterable[Any], stored: Iterable[Any]
) -> list[str]:
    """Every acknowledged event is stored, and none is stored twice."""
    counts = Counter(stored)
    lost = [one for one in acknowledged if one not in counts]
    doubled = [one for one, count in counts.items() if count > 1]
    return [
        *(f"{kind} {one} was acknowledged and is lost" for one in lost),
        *(f"{kind} {one} is stored {counts[one]} times" for one in doubled),
    ]


def check_connections(journal: Journal) -> list[str]:
    """A connection breaks only while something is down."""
    kills = sorted(kill.at for kill in journal.kills)
    violations = []
    for at in journal.broken_at:
        index = bisect.bisect_right(kills, at)
        if index == 0 or at - kills[index - 1] > MAX_BROKEN_SECONDS:
            violations.append(f"a connection broke at {at:.1f}, long after any kill")
    return violations
