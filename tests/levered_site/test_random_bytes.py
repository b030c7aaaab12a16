"""Nobody gets the same random bytes twice: neither threads nor forks."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

from levered_site import random_bytes

FORK = multiprocessing.get_context("fork")


def test_threads_share_no_bytes() -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(
            pool.map(lambda _: random_bytes.take_random_bytes(), range(20_000))
        )

    assert len(set(taken)) == 20_000
    assert {len(each) for each in taken} == {random_bytes.SIZE}


def test_a_fork_shares_no_bytes_with_its_parent() -> None:
    random_bytes.take_random_bytes()
    results: multiprocessing.Queue[list[bytes]] = FORK.Queue()

    def take() -> None:
        results.put([random_bytes.take_random_bytes() for _ in range(300)])

    child = FORK.Process(target=take)
    child.start()
    by_child = results.get(timeout=60)
    child.join(10)

    by_parent = [random_bytes.take_random_bytes() for _ in range(300)]
    assert set(by_child).isdisjoint(by_parent)
