"""The trimmer: what is freed goes back to the system although a block above is in use."""

import asyncio
import ctypes
import platform
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from levered_site.web import allocator
from levered_site.web.allocator import MemoryTrimmer, read_resident_bytes

MB = 10**6
BLOCKS = 100_000
SIZE = 1000  # of a block; libc puts it on the heap


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps it")
def test_freed_memory_below_a_used_block_is_given_back() -> None:
    # In a process of its own: this one may have freed memory to allocate from.
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        grown, left = pool.submit(_free_and_trim).result(timeout=60)

    assert grown > 90 * MB
    assert left < 30 * MB


def _free_and_trim() -> tuple[int, int]:
    """Return by how much a process grows with freed blocks, and what trimming leaves."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    before = read_resident_bytes()
    blocks = [libc.malloc(SIZE) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, SIZE)
    for block in blocks[:-1]:
        libc.free(block)
    kept = read_resident_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allocator, "SMALL_BYTES", before)
        asyncio.run(_trim_once())
    libc.free(blocks[-1])
    return kept - before, read_resident_bytes() - before


async def _trim_once() -> None:
    trimmer = MemoryTrimmer()
    trimmer.step()
    await asyncio.get_running_loop().shutdown_default_executor()


def test_a_process_that_did_not_grow_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(allocator, "SMALL_BYTES", read_resident_bytes())

    MemoryTrimmer().step()  # would need a running event loop to trim
