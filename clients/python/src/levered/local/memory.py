"""The users that this process decided for, so that they keep their variants."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A decision of before. `propensity` is None where the service did not name it."""

    number: int
    version: int
    propensity: float | None
    in_holdout: bool
    redraw: int


class UserMemory:
    """Decisions by optimization and user; beyond `limit` the longest unused go."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._decisions: OrderedDict[Key, Remembered] = OrderedDict()

    def get(self, optimization_id: str, anonymous_id: str) -> Remembered | None:
        """Return what was decided for a user, if it is remembered."""
        key = (optimization_id, anonymous_id)
        with self._lock:
            found = self._decisions.get(key)
            if found is not None:
                self._decisions.move_to_end(key)
            return found

    def put(self, optimization_id: str, anonymous_id: str, made: Remembered) -> None:
        """Remember a decision."""
        with self._lock:
            self._decisions[optimization_id, anonymous_id] = made
            self._decisions.move_to_end((optimization_id, anonymous_id))
            if len(self._decisions) > self._limit:
                self._decisions.popitem(last=False)
