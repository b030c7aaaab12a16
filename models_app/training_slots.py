"""Training slots: how many workers one organization may keep busy at once.

Without them the trainings of one organization could take every worker, for as long as
its warehouse takes to count, and the trainings of all others would wait.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import Error, connection

from levered_site.database import fetch_row


@contextmanager
def hold_slot(organization_id: str) -> Iterator[bool]:
    """Hold one of the organization's slots; yield False where all are taken.

    A slot is an advisory lock of this database session, so a killed worker frees it at
    once. Its keys are pairs of 32-bit numbers, which the database keeps apart from the
    64-bit key of a model's lease.
    """
    space = zlib.crc32(organization_id.encode()) - 2**31
    slot = next(
        (
            number
            for number in range(settings.TRAINING_SLOTS_PER_ORGANIZATION)
            if _try_lock(space, number)
        ),
        None,
    )
    try:
        yield slot is not None
    finally:
        if slot is not None:
            with suppress(Error):  # the session has ended, and the lock with it
                _unlock(space, slot)


def _try_lock(space: int, number: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_lock(%s, %s) AS has_lock", [space, number]
        )
        return bool(fetch_row(cursor).has_lock)


def _unlock(space: int, number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [space, number])
