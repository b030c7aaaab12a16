"""The real `manage.py up`: starts, survives kill -9 of every part, ends without a trace."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running_service import (
    PARTS,
    Service,
    free_port,
    home_named,
    until,
    up,
    works,
)

# Postgres ends with a checkpoint, which takes long behind a disk with much to write.
PATIENCE = 60


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """The service that the tests of this module kill, part by part."""
    with home_named("a home") as found:
        found.start()
        yield found


@pytest.mark.parametrize("name", [*PARTS, "web worker"])
def test_a_killed_part_comes_back_by_itself(service: Service, name: str) -> None:
    until(lambda: all(map(service.part, (*PARTS, name))), 30)
    victim = service.part(name)
    assert victim
    offspring = victim.children(recursive=True)
    others = {other: service.part(other) for other in PARTS if other not in name}

    victim.kill()

    until(lambda: service.part(name) not in (None, victim), 20)
    until(service.is_ready, 20)
    until(lambda: not any(map(works, offspring)), 5)
    assert others == {other: service.part(other) for other in others}


def test_a_second_supervisor_of_the_home_is_refused(service: Service) -> None:
    second = up(service.home, free_port())
    said, _ = second.communicate(timeout=20)

    assert second.returncode == 1
    assert "is in use" in said
    assert "LEVERED_HOME" in said
    assert service.is_ready()


def test_a_taken_port_is_refused_before_anything_is_started(service: Service) -> None:
    with home_named("refused") as other:
        refused = up(other.home, service.port)
        said, _ = refused.communicate(timeout=20)

        assert refused.returncode == 1
        assert f"port {service.port} is not free" in said
        assert "PORT" in said
        assert other.left() == []
        assert not (other.home / "postgres").exists()


def test_a_stop_leaves_nothing_and_a_second_start_keeps_everything(
    service: Service,
) -> None:
    kept = secrets_of(service.home)

    said = service.end(signal.SIGTERM)
    left = service.left()
    seconds = service.start()

    assert left == []
    assert re.search(r"password +\S{16} ", said)
    assert "issue_token --org org_demo --role admin" in said
    assert f"http://localhost:{service.port}" in said
    assert secrets_of(service.home) == kept
    assert seconds < 10 * crowding()


def test_a_killed_supervisor_takes_its_children_along(service: Service) -> None:
    until(lambda: service.part("worker") and service.part("clock"), 20)

    said = service.end(signal.SIGKILL)

    assert service.left_after(PATIENCE) == []
    assert "admin " in said
    assert "password" not in said, "the admin was there already"
    service.start()


def crowding() -> float:
    """How much slower this machine is for having other work: 1 where it has none."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def secrets_of(home: Path) -> dict[str, str]:
    """What the home keeps to itself."""
    names = ("secret_key", "credential_key")
    return {name: (home / name).read_text() for name in names}
