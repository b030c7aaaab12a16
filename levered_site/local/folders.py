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
    """Create the home and its log folder; rename log files over 10 MB to `.old`."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if account:
        home.chmod(0o711)  # the servers' account may enter but not list it
    logs = home / "log"
    logs.mkdir(exist_ok=True, mode=0o700)
    for log in logs.glob("*.log"):
        if log.stat().st_size > MAX_LOG_BYTES:
            log.replace(log.with_suffix(".old"))


def make_private_folder(folder: Path, account: Account | None) -> None:
    """Create a folder that only its account (or ours) may open."""
    folder.mkdir(exist_ok=True, mode=0o700)
    if account and folder.stat().st_uid != account.uid:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def make_socket_folder(folder: Path, account: Account | None) -> None:
    """Create the socket folder and close it to other users.

    Others can guess its name, so the folder must not be a link and must be ours.
    Raises FolderTakenError if it is not.
    """
    folder.mkdir(exist_ok=True, mode=0o700)
    status = folder.lstat()
    own_uids = {os.geteuid()} | ({account.uid} if account else set())
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in own_uids:
        message = f"{folder} belongs to another user: remove it, or set TMPDIR"
        raise FolderTakenError(message)
    folder.chmod(0o700)
    make_private_folder(folder, account)


def remove_stale_locks(data: Path, sockets: Path) -> None:
    """Remove Postgres' lock files if another process has their process number now.

    Postgres would see a live process of that number and refuse to start. The files stay
    if a process works in the data folder: a running server, or one that is stopping.
    """
    locks = (data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock")
    reused = [lock for lock in locks if psutil.pid_exists(_read_pid(lock))]
    if reused and not any(_runs_in(data, each) for each in psutil.process_iter()):
        for lock in reused:
            lock.unlink(missing_ok=True)


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
