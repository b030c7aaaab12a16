"""The memory that the embedded Postgres takes of a machine or of a container."""

from pathlib import Path

import pytest

from levered_site.local.machine_memory import (
    MEGABYTE,
    choose_shared_buffers,
    get_machine_bytes,
)

GIGABYTE = 1024 * MEGABYTE


@pytest.mark.parametrize(
    ("machine_gigabytes", "groups", "limits", "chosen"),
    [
        (4, "", {}, "1024MB"),
        (4, "0::/\n", {"memory.max": "max\n"}, "1024MB"),
        (64, "0::/\n", {"memory.max": "max\n"}, "2048MB"),
        (64, "0::/\n", {"memory.max": f"{2 * GIGABYTE}\n"}, "512MB"),
        (64, "0::/\n", {"memory.max": f"{300 * MEGABYTE}\n"}, "128MB"),
        # A unit of systemd, and one whose slice has the limit.
        (64, "0::/a/b\n", {"a/b/memory.max": f"{GIGABYTE}\n"}, "256MB"),
        (
            64,
            "0::/a/b\n",
            {"a/b/memory.max": "max", "a/memory.max": f"{GIGABYTE}"},
            "256MB",
        ),
        # Version 1; it names a number beyond every machine where there is no limit.
        (
            4,
            "3:cpu:/x\n2:memory:/x\n",
            {"memory/x/memory.limit_in_bytes": "9223372036854771712"},
            "1024MB",
        ),
        (
            64,
            "2:memory:/docker/1\n",
            {"memory/memory.limit_in_bytes": f"{GIGABYTE}"},
            "256MB",
        ),
    ],
)
def test_a_quarter_of_the_machine_or_of_its_control_groups_within_bounds(
    tmp_path: Path,
    machine_gigabytes: int,
    groups: str,
    limits: dict[str, str],
    chosen: str,
) -> None:
    own_groups = tmp_path / "own"
    own_groups.write_text(groups)
    for name, text in limits.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    buffers = choose_shared_buffers(machine_gigabytes * GIGABYTE, tmp_path, own_groups)

    assert buffers == chosen


def test_this_machine_has_memory() -> None:
    assert get_machine_bytes() > 256 * MEGABYTE
