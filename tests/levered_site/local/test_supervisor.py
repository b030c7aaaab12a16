"""`manage.py up`: it starts, survives kill -9 of every part and ends cleanly."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.running_service import (
    PARTS,
    PATIENCE,
    Service,
    crowding,
    free_port,
    home_named,
    until,
    up,
    works,
)

# Postgres ends with a checkpoint, which takes long on a busy disk.
END_TIMEOUT_SECONDS = 60


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Run the service that the tests of this module kill, part by part."""
    with home_named("a home", is_prepared=False) as running:
        running.start()
        yield running


@pytest.mark.parametrize("name", [*PARTS, "web worker"])
def test_a_killed_part_is_restarted(service: Service, name: str) -> None:
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
    output, _ = second.communicate(timeout=20 * PATIENCE)

    assert second.returncode == 1
    assert "is in use" in output
    assert "LEVERED_HOME" in output
    assert service.is_ready()


def test_a_port_in_use_is_refused_before_anything_starts(service: Service) -> None:
    with home_named("refused") as other:
        refused = up(other.home, service.port)
        output, _ = refused.communicate(timeout=20 * PATIENCE)

        assert refused.returncode == 1
        assert f"port {service.port} is not free" in output
        assert "PORT" in output
        assert other.left() == []
        assert not (other.home / "postgres").exists()


def test_a_stop_ends_all_processes_and_a_second_start_keeps_the_data(
    service: Service,
) -> None:
    secrets = read_secrets(service.home)

    output = service.end(signal.SIGTERM)
    left = service.left()
    seconds = service.start()

    assert left == []
    assert re.search(r"password +\S{16} ", output)
    assert output.index("password ") < output.index("ready after"), "it may fail"
    assert "issue_token --org org_demo --role admin" in output
    assert f"http://localhost:{service.port}" in output
    assert read_secrets(service.home) == secrets
    assert seconds < 10 * crowding()


def test_the_children_of_a_killed_supervisor_end(service: Service) -> None:
    until(lambda: service.part("worker") and service.part("clock"), 20)

    output = service.end(signal.SIGKILL)

    assert service.left_after(END_TIMEOUT_SECONDS) == []
    assert "admin " in output
    assert "password" not in output, "the admin existed already"
    service.start()


def read_secrets(home: Path) -> dict[str, str]:
    """Return the generated secrets of a home."""
    names = ("secret_key", "credential_key")
    return {name: (home / name).read_text() for name in names}
