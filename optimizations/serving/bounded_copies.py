"""Copies in memory, bounded in number and in bytes, and fair to every owner."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    value: T
    owner: str
    size: int  # bytes


class BoundedCopies(Generic[T]):
    """The copies that were used last, by key.

    Beyond a bound the owner with most goes first, with the copy that it has not used for
    the longest time. So nobody who keeps many drives out the copies of others. Callers
    of `put` hold a lock; `get` needs none.
    """

    def __init__(self) -> None:
        self._entries: dict[str, _Entry[T]] = {}
        # Keys by owner, those used last at the end.
        self._keys: dict[str, OrderedDict[str, None]] = {}
        self._bytes: dict[str, int] = {}

    def __len__(self) -> int:
        """Return the number of copies."""
        return len(self._entries)

    @property
    def total_bytes(self) -> int:
        """The bytes of all copies."""
        return sum(self._bytes.values())

    def get(self, key: str) -> T | None:
        """Return a copy and remember that it was used; None where there is none."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        try:
            self._keys[entry.owner].move_to_end(key)
        except KeyError:  # another thread is dropping it
            return entry.value
        return entry.value

    def peek(self, key: str) -> T | None:
        """Return a copy without remembering that it was used; None where there is none."""
        entry = self._entries.get(key)
        return None if entry is None else entry.value

    def put(
        self,
        key: str,
        value: T,
        *,
        owner: str,
        size: int,
        max_count: int,
        max_bytes: int,
    ) -> None:
        """Keep a copy in place of an earlier one, then drop others beyond the bounds.

        The copy itself stays, whatever its size: a request waits for it.
        """
        self._remove(key)
        self._entries[key] = _Entry(value, owner, size)
        self._keys.setdefault(owner, OrderedDict())[key] = None
        self._bytes[owner] = self._bytes.get(owner, 0) + size
        while len(self._entries) > max(max_count, 1):
            owner_with_most = max(self._keys, key=lambda each: len(self._keys[each]))
            self._drop_oldest(owner_with_most, key)
        while self.total_bytes > max_bytes and len(self._entries) > 1:
            owner_with_most = max(self._bytes, key=self._bytes.__getitem__)
            self._drop_oldest(owner_with_most, key)

    def _drop_oldest(self, owner: str, new_key: str) -> None:
        oldest = next(iter(self._keys[owner]))
        if oldest == new_key:  # its owner has no other
            others = (each for each in self._entries if each != new_key)
            oldest = next(others)
        self._remove(oldest)

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        keys = self._keys[entry.owner]
        keys.pop(key, None)
        self._bytes[entry.owner] -= entry.size
        if not keys:
            del self._keys[entry.owner], self._bytes[entry.owner]
