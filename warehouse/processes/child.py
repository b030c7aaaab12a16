"""The child's side: limits that it sets for itself, and the loop over requests."""

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from warehouse.processes import messages
from warehouse.processes.messages import BrokenMessageError, DeadlineError

PARENT_CHECK_SECONDS = 1.0
RESERVED_BYTES = 2**30
# A child that was started ahead ends when nobody needs it for so long.
FIRST_REQUEST_SECONDS = 300.0
MAX_REQUEST_BYTES = 64 * 2**20
READY = "ready"
END = "end"
INTERRUPT = signal.SIGUSR1
INTERRUPT_SECONDS = 5.0


def serve_requests(answer: Callable[[Any], Iterator[Any]]) -> None:
    """Answer requests from standard input until it ends.

    Each request gets the messages that `answer` yields, then END. An exception of `answer`
    ends the process, and so does a first request that does not come.
    """
    parent_pid, memory_bytes = int(sys.argv[1]), int(sys.argv[2])
    requests, answers = _take_standard_streams()
    _end_with_parent(parent_pid)
    _limit_resources(memory_bytes)
    try:
        messages.write_message(answers, READY)
        deadline: float | None = time.monotonic() + FIRST_REQUEST_SECONDS
        while True:
            request = messages.read_message(requests, deadline, MAX_REQUEST_BYTES)
            deadline = None
            for message in answer(request):
                messages.write_message(answers, message)
            messages.write_message(answers, END)
    except (BrokenMessageError, DeadlineError):  # the parent needs it no more
        return


@contextmanager
def limit_processor_time(seconds: float) -> Iterator[None]:
    """End this process once the block inside has taken so much of a processor's time.

    The kernel ends it, in whatever code it is. Time in which other processes have the
    processor does not count, so that a busy machine ends no process that a quiet one
    would not.
    """
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # a parent may ignore it
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def end_process() -> None:
    """End at once: the parent waits, and the interpreter would tidy up for long."""
    os._exit(0)


def handle_interrupts(action: Callable[[], None]) -> None:
    """Run `action` in a thread of its own when the parent interrupts an answer.

    The process ends by itself INTERRUPT_SECONDS later. Call it in the main thread. Without
    it an interrupt ends the process at once.
    """
    # The main thread may be in a library's C code. The kernel may choose any thread.
    receiver, sender = os.pipe()
    os.set_blocking(sender, False)
    signal.signal(INTERRUPT, lambda *_arguments: None)
    signal.set_wakeup_fd(sender, warn_on_full_buffer=False)

    def watch() -> None:
        while os.read(receiver, 1) != bytes([INTERRUPT]):
            pass  # another signal
        last_resort = threading.Timer(INTERRUPT_SECONDS, os._exit, [1])
        last_resort.daemon = True
        last_resort.start()
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
    """Limit private memory, and write no file when the process crashes.

    The vendors' libraries map more addresses than they use, so addresses have a higher limit.
    """
    address_bytes = memory_bytes + RESERVED_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_AS, (address_bytes, address_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
