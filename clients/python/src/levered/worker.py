"""The background thread of the synchronous client."""

import threading
from collections.abc import Callable

Work = Callable[[], float]


class Worker:
    """Runs `work` soon after each `wake`, in a daemon thread that starts when needed.

    `work` returns after how many seconds it wants to run again, or 0 for not by itself.
    """

    def __init__(self, work: Work, delay: float) -> None:
        self._work = work
        self._delay = delay
        self._thread: threading.Thread | None = None
        self.reset()

    def wake(self) -> None:
        """Run soon."""
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="levered", daemon=True
                )
                self._thread.start()
        self._woken.set()

    def stop(self, seconds: float) -> None:
        """End the thread; wait for it as long."""
        self._stopped.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def reset(self) -> None:
        """Forget the thread, which the child of a fork does not have."""
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._thread = None

    def _run(self) -> None:
        again = 0.0
        while not self._stopped.is_set():
            self._woken.wait(again or None)
            # What comes meanwhile shares the request.
            self._stopped.wait(self._delay)
            self._woken.clear()
            if not self._stopped.is_set():
                again = self._work()
