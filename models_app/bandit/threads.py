"""One thread for linear algebra, so that sums are taken in one order everywhere."""

from threadpoolctl import threadpool_limits


def single() -> threadpool_limits:
    """Hold BLAS to one thread inside a `with` block.

    Parallel kernels split their sums by the number of threads, and the last bits of
    the result with them; a posterior must be the same on every machine.
    """
    return threadpool_limits(limits=1)
