"""The memory of this machine, or of the container that this process runs in."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MEGABYTE: Final = 2**20
CONTROL_GROUPS: Final = Path("/sys/fs/cgroup")
# Which control groups this process is in: lines of number:controllers:path.
OWN_GROUPS: Final = Path("/proc/self/cgroup")
LEAST_SHARED_BUFFERS_MB: Final = 128
MOST_SHARED_BUFFERS_MB: Final = 2048


def choose_shared_buffers(
    machine_bytes: int,
    control_groups: Path = CONTROL_GROUPS,
    own_groups: Path = OWN_GROUPS,
) -> str:
    """Return Postgres' `shared_buffers`: a quarter of the memory, within bounds.

    A quarter is what the manual of Postgres recommends. The indexes of ten million
    assignments fit 2 GB; with 256 MB a first serve cost a third more than at a million.
    """
    files = _list_limit_files(control_groups, own_groups)
    limits = [machine_bytes, *map(_read_limit, files)]
    quarter = min(limit for limit in limits if limit) // 4 // MEGABYTE
    chosen = min(max(quarter, LEAST_SHARED_BUFFERS_MB), MOST_SHARED_BUFFERS_MB)
    return f"{chosen}MB"


def get_machine_bytes() -> int:
    """Return the memory of the machine in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _list_limit_files(control_groups: Path, own_groups: Path) -> Iterator[Path]:
    """List the limits of the process's groups and of those around them.

    Of both versions of Linux's control groups. In a container the root is its own group.
    """
    for line in _read_text(own_groups).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            root, name = control_groups / "memory", "memory.limit_in_bytes"
        elif not controllers:
            root, name = control_groups, "memory.max"
        else:
            continue
        group = Path(path.lstrip("/"))
        for each in {group, *group.parents, Path()}:
            yield root / each / name


def _read_limit(path: Path) -> int:
    """Return a limit in bytes; 0 where there is none."""
    text = _read_text(path).strip()
    return int(text) if text.isdigit() else 0


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
