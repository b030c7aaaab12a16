"""Single-threaded linear algebra, so that results are the same on every machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import RLock

from threadpoolctl import ThreadpoolController

# Needed because the number of BLAS threads is set per process, not per thread.
BLAS_LOCK = RLock()


@contextmanager
def use_single_thread() -> Iterator[None]:
    """Limit BLAS to one thread inside a `with` block; blocks run one at a time.

    Parallel kernels split sums by the number of threads, which changes the last bits of
    the result. A posterior must be the same on every machine.
    """
    with BLAS_LOCK, _find_libraries(len(sys.modules)).limit(limits=1):
        yield


@lru_cache(maxsize=1)
def _find_libraries(modules: int) -> ThreadpoolController:
    """Find the BLAS libraries that are loaded.

    The search takes milliseconds, so it is cached by the number of imported `modules`:
    an import may load another library.
    """
    del modules
    return ThreadpoolController()
