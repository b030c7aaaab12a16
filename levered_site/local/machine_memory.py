"""The memory of this machine, or of the container that this process runs in."""

import os
from pathlib import Path
from typing import Final

MEGABYTE: Final = 2**20
# The limit of a container, by version 2 and by version 1 of Linux's control groups.
LIMIT_FILES: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
LEAST_SHARED_BUFFERS_MB: Final = 128
MOST_SHARED_BUFFERS_MB: Final = 2048


def choose_shared_buffers(
    machine_bytes: int, limit_files: tuple[Path, ...] = LIMIT_FILES
) -> str:
    """Return Postgres' `shared_buffers`: a quarter of the memory, within bounds.

    A quarter is what the manual of Postgres recommends. The indexes of ten million
    assignments fit 2 GB; with 256 MB a first serve cost a third more than at a million.
    """
    limits = [machine_bytes, *map(_read_limit, limit_files)]
    quarter = min(limit for limit in limits if limit) // 4 // MEGABYTE
    chosen = min(max(quarter, LEAST_SHARED_BUFFERS_MB), MOST_SHARED_BUFFERS_MB)
    return f"{chosen}MB"


def get_machine_bytes() -> int:
    """Return the memory of the machine in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _read_limit(path: Path) -> int:
    """Return a limit in bytes; 0 where there is none."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0
