"""The folders of a home: made, owned by who uses them, free of stale locks."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import psutil

from levered_site.local.processes import Account

MAX_LOG_BYTES = 10_000_000


class FolderTakenError(Exception):
    """The socket folder's name is in somebody else's hands."""


def prepare_home(home: Path, account: Account | None) -> None:
    """Make the home and its logs; put logs aside that have grown large."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    if account:
        home.chmod(0o711)  # the servers' account passes through, and lists nothing
    logs = home / "log"
    logs.mkdir(exist_ok=True, mode=0o700)
    for log in logs.glob("*.log"):
        if log.stat().st_size > MAX_LOG_BYTES:
            log.replace(log.with_suffix(".old"))


def make_private_folder(folder: Path, account: Account | None) -> None:
    """Make a folder, closed to all but the account that works in it."""
    folder.mkdir(exist_ok=True, mode=0o700)
    if account and folder.stat().st_uid != account.uid:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def make_socket_folder(folder: Path, account: Account | None) -> None:
    """Take the folder whose name anybody could guess: it must be ours, and closed.

    Raises FolderTakenError.
    """
    folder.mkdir(exist_ok=True, mode=0o700)
    status = folder.lstat()
    ours = {os.geteuid()} | ({account.uid} if account else set())
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in ours:
        message = f"{folder} belongs to somebody else: remove it, or set TMPDIR"
        raise FolderTakenError(message)
    folder.chmod(0o700)
    make_private_folder(folder, account)


def remove_stale_locks(data: Path, sockets: Path) -> None:
    """Remove Postgres' lock files if their process number went to somebody else.

    Postgres sees a live process of that number and refuses for good. A living server,
    or one whose sessions are still leaving, works in the data folder: then they stay.
    """
    locks = (data / "postmaster.pid", sockets / ".s.PGSQL.5432.lock")
    taken = [lock for lock in locks if psutil.pid_exists(_read_pid(lock))]
    if taken and not any(map(_runs_in_folder(data), psutil.process_iter())):
        for lock in taken:
            lock.unlink(missing_ok=True)


def _read_pid(file: Path) -> int:
    try:
        return int(file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return -1


def _runs_in_folder(folder: Path) -> Callable[[psutil.Process], bool]:
    def works(process: psutil.Process) -> bool:
        try:
            return Path(process.cwd()) == folder
        except psutil.Error:
            return False

    return works
