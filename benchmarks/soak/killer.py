"""Kill processes of the service at random while it is used."""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import psutil

from benchmarks.local_service import LocalService
from benchmarks.soak.journal import Journal, Kill

PARTS = ("web worker", "worker", "valkey", "postgres")
START_SECONDS = 60.0  # how long a part that is down is waited for


@dataclass(slots=True)
class Killer:
    """A thread that sends SIGKILL to one part at a time, in an order drawn by seed."""

    service: LocalService
    journal: Journal
    seconds_between: float
    seed: int
    is_over: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; the first kill comes after `seconds_between`."""
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Stop killing."""
        self.is_over.set()
        if self.thread is not None:
            self.thread.join()

    def _run(self) -> None:
        rng = np.random.default_rng([self.seed, 99])
        remaining: list[str] = []
        while not self.is_over.wait(self.seconds_between):
            # Every part has its turn before one has its second.
            remaining = remaining or [str(part) for part in rng.permutation(PARTS)]
            part = remaining.pop()
            victim = self._wait_for(part)
            if victim is None:
                self.journal.wrong_answers.append(f"{part} did not come back")
                continue
            with suppress(psutil.NoSuchProcess):
                victim.kill()
                self.journal.kills.append(Kill(part, time.time()))

    def _wait_for(self, part: str) -> psutil.Process | None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if victim := self.service.find_part(part):
                return victim
            time.sleep(0.1)
        return None
