"""A training's hold on its model: an advisory lock and a heartbeat, on one connection."""

from threading import Event, Thread
from types import TracebackType
from typing import Self
from uuid import UUID

import structlog
from django.db import Error, connection

from models_app import holding
from models_app.holding import Held, LostError

EVERY = 2.0  # seconds between heartbeats; the reaper waits for 30
log = structlog.get_logger(__name__)


class StoppedError(Exception):
    """Somebody cancelled the run."""


class Watch:
    """Holds a model's lock while inside `with`, and beats for a run once it is claimed.

    The lock belongs to the session of the thread that beats: while beats are written the
    lock is held, and a killed worker lets go of it at once.
    """

    def __init__(self, model_id: UUID) -> None:
        self._key = int.from_bytes(model_id.bytes[:8], signed=True)
        self._held: Held | None = None
        self._answered, self._claimed, self._over = Event(), Event(), Event()
        self._stopped = self._lost = False
        self.locked = False
        self._thread = Thread(target=self._keep, name="training-watch", daemon=True)

    def __enter__(self) -> Self:
        """Try to take the lock; `locked` says whether this worker has it."""
        self._thread.start()
        self._answered.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the lock."""
        self._over.set()
        self._claimed.set()
        self._thread.join()

    def beat_for(self, held: Held) -> None:
        """Start beating for a claimed run."""
        self._held = held
        self._claimed.set()

    def check(self) -> None:
        """Raise StoppedError where the run is cancelled, LostError where it is lost."""
        if self._lost:
            raise LostError("another worker has the run, or the database was away")
        if self._stopped:
            raise StoppedError

    def _keep(self) -> None:
        try:
            self.locked = self._lock()
            self._answered.set()
            self._claimed.wait()
            while self.locked and not self._over.wait(EVERY):
                self._beat()
        except (Error, LostError) as error:
            self._lost = True
            log.warning("training_lost", error=str(error))
        finally:
            self._answered.set()
            connection.close()

    def _lock(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [self._key])
            (locked,) = cursor.fetchone()
        return bool(locked)

    def _beat(self) -> None:
        if self._held is not None and not holding.beat(self._held):
            self._stopped = True
