"""A short `make soak`: kill -9 of every part under traffic loses nothing acknowledged."""

from collections.abc import Iterator

import pytest

from benchmarks.local_service import UNLIMITED, LocalService
from benchmarks.serve.world import World, build_world
from benchmarks.soak.burst import check_burst
from benchmarks.soak.journal import Journal
from benchmarks.soak.killer import PARTS
from benchmarks.soak.run import SoakOptions, run_soak
from tests.support.running_service import Service, home_named

SECONDS_BETWEEN_KILLS = 4.0


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    """Run a service that holds what these tests send, and nothing else."""
    with home_named("soak") as service:
        service.start(**UNLIMITED)
        yield service


@pytest.fixture(scope="module")
def world(running: Service) -> World:
    """Return a live optimization of that service, and a second one."""
    assert running.process
    local = LocalService(running.home, running.port, running.process.pid)
    return build_world(local, optimizations=2)


def test_a_thousand_first_serves_of_one_user_store_one_assignment(
    world: World,
) -> None:
    statuses, violations = check_burst(world, "burst-alone")

    assert violations == []
    assert sum(statuses.values()) == 1_000


def test_nothing_is_lost_doubled_or_inconsistent_while_parts_are_killed(
    world: World, running: Service
) -> None:
    seen: list[Journal] = []
    options = SoakOptions(
        seconds=SECONDS_BETWEEN_KILLS * (len(PARTS) + 1),
        seconds_between_kills=SECONDS_BETWEEN_KILLS,
        seed=1,
        waits_for_trainings=False,
    )

    verdict = run_soak(world, options, seen.append)

    failures = [line for line in running.said if '"request.failed"' in line]
    assert verdict.violations == [], failures
    journal = seen[-1]
    assert {kill.part for kill in journal.kills} == set(PARTS)
    assert len(journal.answers) > 100
    assert len(journal.rewards) > 100
    assert journal.bars
