"""The lock of an Idempotency-Key: it tells whether the first request still runs."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import Error, connection

from levered_site.database import fetch_row


def compute_lock_number(*parts: str) -> int:
    """Return the number of the lock of a key, which is named by `parts`."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


@contextmanager
def try_lock(number: int) -> Iterator[bool]:
    """Hold a lock for a request; yield False where another request holds it.

    It belongs to the request's connection, so Postgres releases it when the process
    dies. Raises Django's errors of the database.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s) AS has_lock", [number])
        has_lock = bool(fetch_row(cursor).has_lock)
    try:
        yield has_lock
    finally:
        if has_lock:
            with suppress(Error), connection.cursor() as cursor:  # gone with it
                cursor.execute("SELECT pg_advisory_unlock(%s)", [number])
