"""The folders of a home: creation, ownership, removal of stale locks."""

import os
import stat
from pathlib import Path

import psutil

from levered_site.local.processes import Account

MAX_LOG_BYTES = 10_000_000


class FolderTakenError(Exception):
    """The socket folder belongs to another user."""


def prepare_home(home: Path, account: Account | None) -> None:
    """Create the home and its log folder; rename log files over 10 MB to `.old`.

    Files of the clock that an earlier version left readable are closed to others.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if account:
        home.chmod(0o711)  # the stores' account may enter but not list it
    for clock_file in home.glob("clock*"):
        clock_file.chmod(0o600)
    log_folder = home / "log"
    log_folder.mkdir(exist_ok=True, mode=0o700)
    for log_file in log_folder.glob("*.log"):
        if log_file.stat().st_size > MAX_LOG_BYTES:
            log_file.replace(log_file.with_suffix(".old"))


def make_private_folder(folder: Path, account: Account | None) -> None:
    """Create a folder that only the account may open, or this user if it is None."""
    folder.mkdir(exist_ok=True, mode=0o700)
    if account and folder.stat().st_uid != account.uid:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def make_socket_folder(folder: Path, account: Account | None) -> None:
    """Create the socket folder and close it to other users.

    Others can guess its name, so it must not be a link, and its owner must be this user
    or the account. Raises FolderTakenError otherwise.
    """
    folder.mkdir(exist_ok=True, mode=0o700)
    status = folder.lstat()
    allowed_uids = {os.geteuid()} | ({account.uid} if account else set())
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in allowed_uids:
        raise FolderTakenError(
            f"{folder} belongs to another user. Remove it, or set TMPDIR to another "
            "folder."
        )
    folder.chmod(0o700)
    make_private_folder(folder, account)


def remove_stale_locks(data_folder: Path, socket_folder: Path) -> None:
    """Remove the lock files of Postgres if another process has their process id now.

    Postgres would see a live process with that id and refuse to start. The files stay
    if a process works in the data folder: a Postgres that runs or is stopping.
    """
    locks = (data_folder / "postmaster.pid", socket_folder / ".s.PGSQL.5432.lock")
    stale_locks = [lock for lock in locks if psutil.pid_exists(_read_pid(lock))]
    if not stale_locks or _is_in_use(data_folder):
        return
    for lock in stale_locks:
        lock.unlink(missing_ok=True)


def _is_in_use(data_folder: Path) -> bool:
    return any(_runs_in(data_folder, process) for process in psutil.process_iter())


def _read_pid(file: Path) -> int:
    try:
        return int(file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return -1


def _runs_in(folder: Path, process: psutil.Process) -> bool:
    try:
        return Path(process.cwd()) == folder
    except psutil.Error:
        return False
