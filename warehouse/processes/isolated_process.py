"""One child process, as its parent sees it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from warehouse.processes import child, messages
from warehouse.processes.messages import BrokenMessageError, DeadlineError

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 20.0  # of a busy machine; a free one needs 0.2
STOP_SECONDS = 0.5
# The supervisor finds leftover processes by LEVERED_CHILD_OF. No setting, password or key
# of the service is among these.
ENVIRONMENT = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "LEVERED_CHILD_OF"),
)


class ProcessEndedError(Exception):
    """The child ended (it crashed, or ran out of memory) before its answer did."""


class IsolatedProcess:
    """A child that runs a module; its memory is limited to `memory_bytes`.

    Use it from one thread at a time. After DeadlineError or ProcessEndedError the child
    is killed. It gets the variables of ENVIRONMENT and those of `more_variables`.
    """

    def __init__(
        self, module: str, memory_bytes: int, more_variables: Sequence[str] = ()
    ) -> None:
        self._max_message_bytes = memory_bytes
        self._process = subprocess.Popen(  # noqa: S603 - a module of ours
            [sys.executable, "-m", module, str(os.getpid()), str(memory_bytes)],
            cwd=ROOT,
            env={
                name: os.environ[name]
                for name in (*ENVIRONMENT, *more_variables)
                if name in os.environ
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
        self._is_ready = False
        self._started_at = time.monotonic()
        self.calls = 0

    @property
    def is_alive(self) -> bool:
        """Whether the child still runs."""
        return self._process.poll() is None

    @property
    def age(self) -> float:
        """The seconds since the child was started."""
        return time.monotonic() - self._started_at

    def call(self, request: object, seconds: float) -> Iterator[Any]:
        """Send a request and yield the messages of its answer.

        The whole answer has `seconds`; the child's start is not counted. Raises
        DeadlineError and ProcessEndedError.
        """
        try:
            self._await_start()
            deadline = time.monotonic() + seconds
            messages.write_message(self._stdin.fileno(), request)
            while (message := self._receive(deadline)) != child.END:
                yield message
        except BrokenMessageError as error:
            self.kill()
            raise ProcessEndedError from error
        except DeadlineError as error:
            self.kill()
            raise DeadlineError(seconds) from error
        except BaseException:  # a caller that wants no more of the answer
            self.kill()
            raise
        self.calls += 1

    def interrupt(self) -> None:
        """Ask the child, from any thread, to end its answer early. It may already be dead."""
        with suppress(OSError):
            self._process.send_signal(child.INTERRUPT)

    def close(self, seconds: float = STOP_SECONDS) -> None:
        """Let the child end in its own time, at most `seconds`; then kill it."""
        with suppress(OSError):
            self._stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """Kill the child and forget it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._stdin, self._stdout):
            with suppress(OSError):
                stream.close()

    def _await_start(self) -> None:
        if not self._is_ready:
            self._receive(time.monotonic() + START_SECONDS)
            self._is_ready = True

    def _receive(self, deadline: float) -> Any:
        return messages.read_message(
            self._stdout.fileno(), deadline, self._max_message_bytes
        )

    @property
    def _stdin(self) -> Any:
        return self._process.stdin

    @property
    def _stdout(self) -> Any:
        return self._process.stdout
