"""Give the system back what the allocator keeps of freed memory."""

import asyncio
import ctypes
import os
from collections.abc import Callable
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# Below, a process is small: it starts with some 130 MB.
SMALL_BYTES = 180 * 10**6
# What must have come since the last time, so that a large process is not trimmed always.
GROWTH_BYTES = 8 * 10**6
STATM = Path("/proc/self/statm")


class MemoryTrimmer:
    """Trims the heap of a process that has grown. Call `step` about once a second.

    glibc gives back the end of its heap only: one small block there keeps the free pages
    below it, some 30 MB after large answers. Other allocators are left alone.
    """

    def __init__(self) -> None:
        self._trim: Callable[[int], int] | None = getattr(
            ctypes.CDLL(None), "malloc_trim", None
        )
        self._size_after = SMALL_BYTES

    def step(self) -> None:
        """Start to trim in a thread if the process has grown since the last time."""
        if self._trim is None or not STATM.exists():
            return
        if read_resident_bytes() > self._size_after + GROWTH_BYTES:
            trim, self._trim = self._trim, None  # until it is done
            asyncio.get_running_loop().run_in_executor(None, self._run, trim)

    def _run(self, trim: Callable[[int], int]) -> None:
        trim(0)
        self._size_after = max(SMALL_BYTES, read_resident_bytes())
        self._trim = trim


def read_resident_bytes() -> int:
    """Return how much memory this process has, in bytes."""
    return int(STATM.read_text().split()[1]) * PAGE_BYTES
