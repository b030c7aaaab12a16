"""Training slots: how many workers one organization may keep busy at once.

Without them the trainings of one organization could take every worker, for as long as
its warehouse takes to count, and the trainings of all others would wait.
"""

import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.conf import settings

from levered_site.database import hold_session_lock


@contextmanager
def hold_slot(organization_id: str) -> Iterator[bool]:
    """Hold one of the organization's slots; yield False where all are taken.

    A slot is an advisory lock of this database session, so a killed worker frees it at
    once. Its keys are pairs of 32-bit numbers, which the database keeps apart from the
    64-bit key of a model's lease.
    """
    space = zlib.crc32(organization_id.encode()) - 2**31
    with ExitStack() as held:
        yield any(
            held.enter_context(hold_session_lock(space, number))
            for number in range(settings.TRAINING_SLOTS_PER_ORGANIZATION)
        )
