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
    ("machine_gigabytes", "limit", "chosen"),
    [
        (4, "max\n", "1024MB"),
        (64, "max\n", "2048MB"),
        (64, f"{2 * GIGABYTE}\n", "512MB"),
        (64, f"{300 * MEGABYTE}\n", "128MB"),
        # Version 1 names a number beyond every machine where there is no limit.
        (4, "9223372036854771712\n", "1024MB"),
    ],
)
def test_a_quarter_of_the_machine_or_of_its_container_within_bounds(
    tmp_path: Path, machine_gigabytes: int, limit: str, chosen: str
) -> None:
    limit_file = tmp_path / "memory.max"
    limit_file.write_text(limit)
    missing = tmp_path / "no such file"

    buffers = choose_shared_buffers(machine_gigabytes * GIGABYTE, (missing, limit_file))

    assert buffers == chosen


def test_this_machine_has_memory() -> None:
    assert get_machine_bytes() > 256 * MEGABYTE
