"""No other user of the machine opens what would stop the service or tell of it."""

import stat
import sys
from pathlib import Path

import pytest

from levered_site.local import folders, programs
from levered_site.local.processes import Program, start_program
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


@pytest.mark.parametrize("existed", [False, True])
def test_nobody_else_can_read_what_a_program_writes(
    tmp_path: Path, existed: bool
) -> None:
    log_file = tmp_path / "a.log"
    if existed:
        log_file.touch(mode=0o644)
    program = Program(
        name="writer",
        command=(sys.executable, "-c", "open('clock.dat', 'w').close(); print('a')"),
        folder=tmp_path,
        log_file=log_file,
    )

    start_program(program).wait()

    assert log_file.read_text() == "a\n"
    assert get_mode(log_file) == 0o600
    assert get_mode(tmp_path / "clock.dat") == 0o600


def test_the_clocks_files_of_an_earlier_version_are_closed(tmp_path: Path) -> None:
    file = tmp_path / "clock.dat"
    file.touch(mode=0o644)

    folders.prepare_home(tmp_path, None)

    assert get_mode(file) == 0o600
