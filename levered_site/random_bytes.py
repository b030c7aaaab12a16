"""Random bytes of the operating system, fetched many at a time: a call costs more."""

import os
from collections import deque

SIZE = 16
_FETCHED_AT_ONCE = 256

_waiting: deque[bytes] = deque()
# A fork must not hand out the same bytes as its parent.
os.register_at_fork(after_in_child=_waiting.clear)


def take_random_bytes() -> bytes:
    """Return 16 random bytes that nobody else gets. Threads may call it together."""
    try:
        return _waiting.popleft()
    except IndexError:
        fetched = os.urandom(SIZE * _FETCHED_AT_ONCE)
    _waiting.extend(
        fetched[start : start + SIZE] for start in range(SIZE, len(fetched), SIZE)
    )
    return fetched[:SIZE]
