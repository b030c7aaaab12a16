"""The prepared snapshots of this process, no more than its memory of snapshots keeps."""

from itertools import islice

from optimizations.serving import snapshot_memory
from optimizations.serving.snapshot import Snapshot
from optimizations.serving.snapshot_poller import poller
from optimizations.views.serve_json import (
    ContextBudget,
    PreparedSnapshot,
    prepare_snapshot,
)

# Each new one checks so many others, so that those which the memory has dropped go too.
CHECKED_AT_ONCE = 2


class PreparedSnapshots:
    """Prepares what the poller has. All methods belong into the event loop."""

    def __init__(self) -> None:
        self._prepared: dict[str, PreparedSnapshot] = {}
        self._budget = ContextBudget()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._prepared)

    def find(self, optimization_id: str) -> PreparedSnapshot | None:
        """Return the newest snapshot, prepared; None where this process does not poll it."""
        snapshot = poller.find(optimization_id)
        return None if snapshot is None else self.prepare(snapshot)

    def prepare(self, snapshot: Snapshot) -> PreparedSnapshot:
        """Return a snapshot as it was prepared before, or prepare it."""
        prepared = self._prepared.get(snapshot.optimization_id)
        if prepared is not None and prepared.snapshot is snapshot:
            return prepared
        self._drop(snapshot.optimization_id)
        self._check_others()
        prepared = prepare_snapshot(snapshot, self._budget)
        self._prepared[snapshot.optimization_id] = prepared
        return prepared

    def _check_others(self) -> None:
        """Drop the oldest if the memory has, otherwise make them the newest."""
        for key in list(islice(self._prepared, CHECKED_AT_ONCE)):
            if snapshot_memory.is_kept(self._prepared[key].snapshot):
                self._prepared[key] = self._prepared.pop(key)
            else:
                self._drop(key)

    def _drop(self, key: str) -> None:
        prepared = self._prepared.pop(key, None)
        if prepared is not None:
            prepared.forget_contexts()
