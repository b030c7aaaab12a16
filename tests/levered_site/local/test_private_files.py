"""No other user of the machine opens what would stop the service or tell of it."""

import stat
from pathlib import Path

import pytest

from levered_site.local import programs
from levered_site.local.supervisor import HomeTakenError, lock_home


def get_mode(path: Path) -> int:
    """Return the permission bits of a file or a folder."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("existed", [False, True])
def test_nobody_else_can_open_the_lock_of_a_home(tmp_path: Path, existed: bool) -> None:
    lock = tmp_path / "lock"
    if existed:  # of a version that left it open
        lock.touch(mode=0o644)

    with lock_home(tmp_path):
        assert get_mode(lock) == 0o600
        with pytest.raises(HomeTakenError), lock_home(tmp_path):
            pass


@pytest.mark.parametrize("existed", [False, True])
def test_nobody_else_can_read_the_counts_of_a_home(
    tmp_path: Path, existed: bool
) -> None:
    folder = tmp_path / "metrics"
    if existed:
        folder.mkdir(mode=0o755)

    programs.build_programs(tmp_path, "127.0.0.1", 3100)

    assert get_mode(folder) == 0o700
