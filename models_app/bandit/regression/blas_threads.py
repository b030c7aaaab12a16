"""One thread for linear algebra, so that sums are taken in one order everywhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import RLock

from threadpoolctl import ThreadpoolController

BLAS_LOCK = RLock()
"""The number of BLAS threads belongs to the process, not to the Python thread."""


@contextmanager
def use_single_thread() -> Iterator[None]:
    """Hold BLAS to one thread inside a `with` block, one block at a time.

    Parallel kernels split their sums by the number of threads, and the last bits of
    the result with them; a posterior must be the same on every machine.
    """
    with BLAS_LOCK, _find_libraries(len(sys.modules)).limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _find_libraries(modules: int) -> ThreadpoolController:
    """Find the libraries, which takes milliseconds; a new module may bring another."""
    del modules
    return ThreadpoolController()
