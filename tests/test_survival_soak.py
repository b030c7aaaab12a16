"""A short `make soak`: kill -9 of every part under traffic loses nothing acknowledged."""

import pytest

from benchmarks.local_service import LocalService
from benchmarks.serve.world import World, build_world
from benchmarks.soak.burst import check_burst
from benchmarks.soak.journal import Journal
from benchmarks.soak.killer import PARTS
from benchmarks.soak.run import SoakOptions, run_soak
from tests.support.running_service import Service

SECONDS_BETWEEN_KILLS = 4.0


@pytest.fixture(scope="module")
def service(shared_service: Service) -> Service:
    """Return the service whose parts are killed."""
    return shared_service


@pytest.fixture(scope="module")
def world(service: Service) -> World:
    """Return a live optimization of that service, and a second one."""
    assert service.process
    local = LocalService(service.home, service.port, service.process.pid)
    return build_world(local, optimizations=2)


def test_a_thousand_first_serves_of_one_user_store_one_assignment(
    world: World,
) -> None:
    statuses, violations = check_burst(world, "burst-alone")

    assert violations == []
    assert sum(statuses.values()) == 1_000


def test_nothing_is_lost_doubled_or_inconsistent_while_parts_are_killed(
    world: World, service: Service
) -> None:
    seen: list[Journal] = []
    options = SoakOptions(
        seconds=SECONDS_BETWEEN_KILLS * (len(PARTS) + 1),
        seconds_between_kills=SECONDS_BETWEEN_KILLS,
        seed=1,
        waits_for_trainings=False,
    )

    verdict = run_soak(world, options, seen.append)

    failures = [line for line in service.said if '"request.failed"' in line]
    assert verdict.violations == [], failures
    journal = seen[-1]
    assert {kill.part for kill in journal.kills} == set(PARTS)
    assert len(journal.answers) > 100
    assert len(journal.rewards) > 100
    assert journal.bars
