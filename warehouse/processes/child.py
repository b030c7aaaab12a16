"""The child's side: limits that it sets for itself, and the loop over requests."""

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from warehouse.processes import messages
from warehouse.processes.messages import BrokenMessageError

PARENT_CHECK_SECONDS = 1.0
MAX_REQUEST_BYTES = 64 * 2**20
READY = "ready"
END = "end"
INTERRUPT = signal.SIGUSR1


def serve_requests(answer: Callable[[Any], Iterator[Any]]) -> None:
    """Answer requests from standard input until it ends.

    Each request gets the messages that `answer` yields, then END. An exception of `answer`
    ends the process.
    """
    parent_pid, memory_bytes = int(sys.argv[1]), int(sys.argv[2])
    requests, answers = _take_standard_streams()
    _end_with_parent(parent_pid)
    _limit_resources(memory_bytes)
    try:
        messages.write_message(answers, READY)
        while True:
            request = messages.read_message(requests, None, MAX_REQUEST_BYTES)
            for message in answer(request):
                messages.write_message(answers, message)
            messages.write_message(answers, END)
    except BrokenMessageError:  # the parent closed its side
        return


def handle_interrupts(action: Callable[[], None]) -> None:
    """Run `action` in a thread of its own when the parent interrupts an answer.

    Call it in the main thread before others start. Without it an interrupt ends the process.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {INTERRUPT})

    def watch() -> None:
        while signal.sigwait({INTERRUPT}):
            action()

    threading.Thread(target=watch, daemon=True).start()


def _take_standard_streams() -> tuple[int, int]:
    """Return descriptors of requests and answers; a stray `print` reaches neither."""
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    return requests, answers


def _end_with_parent(parent_pid: int) -> None:
    """End when the parent was killed, in whatever this process is busy."""

    def watch() -> None:
        while os.getppid() == parent_pid:
            time.sleep(PARENT_CHECK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _limit_resources(memory_bytes: int) -> None:
    """Limit memory, and write no file when the process crashes."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
