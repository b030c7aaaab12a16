"""API keys as this process knows them, so that a request with a key needs no query.

What was looked up is believed for `FRESH_SECONDS`: after that time at the latest, a key
that was revoked elsewhere stops working. Secrets are known by their digests only.
"""

import hashlib
import threading
import time
from typing import Generic, TypeVar

from levered_site.organizations.actors import KeyHolder

FRESH_SECONDS = 4.0  # docs promise 5: the rest is for the query
MAX_ENTRIES = 10_000  # of each kind: some 10 MB

Value = TypeVar("Value")


class _Memory(Generic[Value]):
    """Values by digest, each with the end of its freshness; the oldest goes first."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[Value, float]] = {}
        self._lock = threading.Lock()

    def find_fresh(self, digest: str) -> Value | None:
        value, fresh_until = self._entries.get(digest, (None, 0.0))
        return value if time.monotonic() < fresh_until else None

    def put(self, digest: str, value: Value, fresh_until: float) -> None:
        with self._lock:
            self._entries.pop(digest, None)
            if len(self._entries) >= MAX_ENTRIES:
                self._entries.pop(next(iter(self._entries)))
            self._entries[digest] = (value, fresh_until)

    def drop(self, digest: str) -> None:
        with self._lock:
            self._entries.pop(digest, None)


_holders: _Memory[KeyHolder] = _Memory()
# Apart, so that strangers who try secrets cannot push out the keys in use.
_problems: _Memory[str] = _Memory()


def hash_secret(secret: str) -> str:
    """Return the digest of a secret. 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def find_holder(digest: str) -> KeyHolder | None:
    """Return the holder of a secret that works; None if that is unknown or not fresh."""
    return _holders.find_fresh(digest)


def find_problem(digest: str) -> str | None:
    """Return why a secret does not work; None if that is unknown or not fresh."""
    return _problems.find_fresh(digest)


def remember_holder(digest: str, holder: KeyHolder, fresh_until: float) -> None:
    """Remember that a secret works, until a moment of `time.monotonic`."""
    _holders.put(digest, holder, fresh_until)


def remember_problem(digest: str, problem: str) -> None:
    """Remember that a secret does not work, and why."""
    _holders.drop(digest)
    _problems.put(digest, problem, time.monotonic() + FRESH_SECONDS)


def forget(digest: str) -> None:
    """Forget a secret whose key has changed. Other processes forget it with time."""
    _holders.drop(digest)
    _problems.drop(digest)
