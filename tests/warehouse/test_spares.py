"""Spare processes: one waits, warm and unused, and it ends when nobody needs it."""

import contextlib
import os
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.support.running_service import PATIENCE, until
from warehouse.processes.isolated_process import IsolatedProcess, ProcessEndedError
from warehouse.processes.spares import MAX_AGE_SECONDS, SpareProcesses

MODULE = "warehouse.backends.postgres_process"
MEMORY = 512 * 2**20


@pytest.fixture
def spares() -> Iterator[SpareProcesses]:
    """Return spares that are closed afterwards."""
    spares = SpareProcesses()
    yield spares
    spares.close()


def find_children() -> dict[int, psutil.Process]:
    """Return the children of this process that run the module, by id."""
    children = psutil.Process(os.getpid()).children()
    found = {}
    for child in children:
        with contextlib.suppress(psutil.NoSuchProcess):  # a zombie of another test
            if MODULE in child.cmdline():
                found[child.pid] = child
    return found


def get_pid(process: IsolatedProcess) -> int:
    """Return the id of a child."""
    return process._process.pid


def test_the_next_child_is_started_ahead_and_no_child_is_lent_twice(
    spares: SpareProcesses,
) -> None:
    before = find_children()
    lent = []
    for _ in range(3):
        process = spares.take(MODULE, MEMORY)
        lent.append(get_pid(process))
        waiting = find_children().keys() - before.keys() - {get_pid(process)}
        process.close()
        assert len(waiting) == 1

    assert len(set(lent)) == 3


def test_a_child_that_ended_or_is_too_old_is_not_lent(
    spares: SpareProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = find_children()
    spares.take(MODULE, MEMORY).close()
    (waiting,) = [child for pid, child in find_children().items() if pid not in before]
    waiting.kill()
    until(lambda: waiting.status() == psutil.STATUS_ZOMBIE, 5)

    after_a_crash = spares.take(MODULE, MEMORY)
    after_a_crash.close()
    monkeypatch.setattr(
        time, "monotonic", lambda real=time.monotonic: real() + MAX_AGE_SECONDS + 1
    )
    late = spares.take(MODULE, MEMORY)
    monkeypatch.undo()

    assert get_pid(late) not in {waiting.pid, get_pid(after_a_crash)}
    assert late.age < MAX_AGE_SECONDS
    late.close()


def test_a_child_without_a_request_ends_by_itself() -> None:
    process = IsolatedProcess("tests.support.impatient_child", MEMORY)

    until(lambda: not process.is_alive, 10 * PATIENCE)

    with pytest.raises(ProcessEndedError):
        list(process.call("anything", 5))


def test_closing_ends_the_waiting_children() -> None:
    before = find_children()
    spares = SpareProcesses()
    spares.take(MODULE, MEMORY).close()

    spares.close()

    assert find_children().keys() == before.keys()
