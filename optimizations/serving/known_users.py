"""The assignments that this process remembers, so that a known user costs no query.

An assignment changes only where its variant is barred or its user erased. Each of these
moves the optimization's `assignments_epoch`, and with it out of date is everything that
was remembered before.
"""

import os

from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.snapshot import Snapshot

# Two generations of this many users: some 400 bytes each.
GENERATION_SIZE = 30_000

Key = tuple[str, str]  # the optimization and the user


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
        self._young: dict[Key, tuple[int, AssignedVariant]] = {}
        self._old: dict[Key, tuple[int, AssignedVariant]] = {}

    def find(self, snapshot: Snapshot, anonymous_id: str) -> AssignedVariant | None:
        """Return the user's assignment if it is remembered and still up to date."""
        key = snapshot.optimization_id, anonymous_id
        entry = self._young.get(key)
        if entry is None:
            entry = self._old.get(key)
            if entry is None or entry[0] != snapshot.assignments_epoch:
                return None
            self._put(key, entry)
        return entry[1] if entry[0] == snapshot.assignments_epoch else None

    def remember(
        self, snapshot: Snapshot, anonymous_id: str, assigned: AssignedVariant
    ) -> None:
        """Remember an assignment that was read or stored under this snapshot."""
        key = snapshot.optimization_id, anonymous_id
        entry = self._young.get(key)
        if entry is None or entry[0] <= snapshot.assignments_epoch:
            self._put(key, (snapshot.assignments_epoch, assigned.as_repeated()))

    def _put(self, key: Key, entry: tuple[int, AssignedVariant]) -> None:
        if len(self._young) >= self._generation_size:
            self._old, self._young = self._young, {}
        self._young[key] = entry


known_users = KnownUsers()
os.register_at_fork(after_in_child=known_users.reset)
