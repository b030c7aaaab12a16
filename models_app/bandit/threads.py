"""One thread for linear algebra, so that sums are taken in one order everywhere."""

import sys
from contextlib import AbstractContextManager
from functools import lru_cache

from threadpoolctl import ThreadpoolController


def single() -> AbstractContextManager[object]:
    """Hold BLAS to one thread inside a `with` block.

    Parallel kernels split their sums by the number of threads, and the last bits of
    the result with them; a posterior must be the same on every machine.
    """
    held: AbstractContextManager[object] = _libraries(len(sys.modules)).limit(limits=1)
    return held


@lru_cache(maxsize=1)
def _libraries(modules: int) -> ThreadpoolController:
    """Find the libraries, which takes milliseconds; a new module may bring another."""
    del modules
    return ThreadpoolController()
