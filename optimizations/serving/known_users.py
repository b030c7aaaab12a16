"""The assignments that this process remembers, so that a known user costs no query.

An assignment changes only where its variant is barred or its user erased. Each of these
moves the optimization's `assignments_epoch`, and with it out of date is everything that
was remembered before.
"""

import os
from datetime import datetime

from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.snapshot import Snapshot

# Two generations of this many users: some 400 bytes each.
GENERATION_SIZE = 30_000

Key = tuple[str, str]  # the optimization and the user
# The epoch, then the fields of an AssignedVariant but `sticky`. The garbage collector
# does not look at tuples of plain values; 60,000 objects would stop the process for
# 0.1 s at each of its rounds.
Entry = tuple[int, int, bool, int, float, datetime, int, int]


class KnownUsers:
    """A bounded memory in two generations, with O(1) for everything.

    New and returning users are in the young generation. When it is full it becomes the
    old one, and whoever was not seen since the last time is forgotten.
    """

    def __init__(self, generation_size: int = GENERATION_SIZE) -> None:
        self._generation_size = generation_size
        self.reset()

    def reset(self) -> None:
        """Forget everybody."""
        self._young: dict[Key, Entry] = {}
        self._old: dict[Key, Entry] = {}

    def find(self, snapshot: Snapshot, anonymous_id: str) -> AssignedVariant | None:
        """Return the user's assignment if it is remembered and still up to date."""
        key = snapshot.optimization_id, anonymous_id
        entry = self._young.get(key)
        if entry is None:
            entry = self._old.get(key)
            if entry is None or entry[0] != snapshot.assignments_epoch:
                return None
            self._put(key, entry)
        elif entry[0] != snapshot.assignments_epoch:
            return None
        _, number, in_holdout, version, propensity, decided_at, receipt, redraws = entry
        return AssignedVariant(
            number,
            in_holdout,
            version,
            propensity,
            decided_at,
            sticky=True,
            decision_id=receipt,
            redraws=redraws,
        )

    def remember(
        self, snapshot: Snapshot, anonymous_id: str, assigned: AssignedVariant
    ) -> None:
        """Remember an assignment that was read or stored under this snapshot."""
        key = snapshot.optimization_id, anonymous_id
        existing = self._young.get(key)
        if existing is not None and existing[0] > snapshot.assignments_epoch:
            return
        entry = (
            snapshot.assignments_epoch,
            assigned.variant_number,
            assigned.in_holdout,
            assigned.policy_version,
            assigned.propensity,
            assigned.decided_at,
            assigned.decision_id,
            assigned.redraws,
        )
        self._put(key, entry)

    def _put(self, key: Key, entry: Entry) -> None:
        if len(self._young) >= self._generation_size:
            self._old, self._young = self._young, {}
        self._young[key] = entry


known_users = KnownUsers()
os.register_at_fork(after_in_child=known_users.reset)
