"""Start child processes: each in its own session and account.

A child ends when its parent dies.
"""

import ctypes
import os
import pwd
import resource
import signal
import stat
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

# The supervisor puts the path of LEVERED_HOME into the environment of each child. After
# a kill, the next start finds leftover processes by it.
HOME_VARIABLE = "LEVERED_CHILD_OF"
# Names the files of a process's metrics, which are named by its id otherwise. No two
# processes may have the same name at the same time.
METRICS_NAME_VARIABLE = "METRICS_NAME"

# Whatever a child writes is for its own user: the clock's state, logs, counts, dumps.
PRIVATE_UMASK = 0o077
UNPRIVILEGED_USERS = ("postgres", "nobody", "daemon")

# From linux/prctl.h, securebits.h and capability.h.
_PR_SET_PDEATHSIG = 1
_PR_SET_SECUREBITS = 28
_NO_SETUID_FIXUP = 4
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522
_IS_LINUX = sys.platform.startswith("linux")
_libc = ctypes.CDLL(None, use_errno=True)


class StartError(Exception):
    """A child process did not start; the message says what it needs."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that a child runs as, and whether that user may enter every folder."""

    uid: int
    gid: int
    bypasses_folder_permissions: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """How to start and stop one child process.

    The kernel sends `orphan_signal` when the supervisor dies. A child that still runs
    `stop_timeout_seconds` after `stop_signal` is killed. `before_start` runs before
    every start. Each of its processes may take `data_bytes` of private memory. The supervisor stops stores after the programs that use them. It
    restarts a program that leaves requests to `web_address` (host, port) unanswered.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    log_file: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM
    stop_timeout_seconds: float = 10.0
    before_start: Callable[[], None] | None = None
    is_store: bool = False
    data_bytes: int | None = None
    web_address: tuple[str, int] | None = None


def start_program(program: Program) -> subprocess.Popen[bytes]:
    """Start a program.

    Call it from the main thread: the kernel ends a child when the thread that started
    it ends. Raises StartError.
    """
    parent_pid = os.getpid()
    if program.before_start:
        program.before_start()

    def set_up_child() -> None:
        if program.account:
            _switch_account(program.account)
        if program.data_bytes:
            limits = (program.data_bytes, program.data_bytes)
            resource.setrlimit(resource.RLIMIT_DATA, limits)
        request_parent_death_signal(parent_pid, program.orphan_signal)

    with _open_log(program) as output:
        try:
            return subprocess.Popen(  # noqa: S603 - this package builds every command
                program.command,
                cwd=program.folder,
                env={**os.environ, **program.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=PRIVATE_UMASK,
                preexec_fn=set_up_child,  # noqa: PLW1509 - there is no other thread
            )
        except (OSError, subprocess.SubprocessError) as error:
            account = program.account
            user = f"user {account.uid}" if account else "this user"
            raise StartError(
                f"{program.name} cannot be started ({error}). Let {user} access "
                f"{program.command[0]} and {program.folder}."
            ) from error


def _open_log(program: Program) -> AbstractContextManager[BinaryIO | None]:
    if program.log_file is None:
        return nullcontext()
    try:
        return _open_private(program.log_file)
    except OSError as error:
        raise StartError(
            f"{program.name} cannot be started, because its log cannot be opened "
            f"({error}). Let this user write {program.log_file}."
        ) from error


def _open_private(file: Path) -> BinaryIO:
    """Open a file at its end, closed to other users also if an earlier version made it."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.fchmod(descriptor, 0o600)
    return os.fdopen(descriptor, "ab")


def request_parent_death_signal(parent_pid: int, orphan_signal: signal.Signals) -> None:
    """Make the kernel send `orphan_signal` to this process when its parent dies."""
    if not _IS_LINUX:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(orphan_signal), 0, 0, 0)
    if os.getppid() != parent_pid:
        # The parent died before prctl: no signal would come.
        os.kill(os.getpid(), signal.SIGKILL)


def _switch_account(account: Account) -> None:
    """Switch from root to the account.

    With `bypasses_folder_permissions` the account may still enter every folder.
    """
    if account.bypasses_folder_permissions:
        # Without this flag access(2), which Postgres calls, ignores the capability
        # below and reports "permission denied".
        _require_success(_libc.prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0))
    os.setgroups([])
    os.setgid(account.gid)
    os.setuid(account.uid)
    if account.bypasses_folder_permissions:
        header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
        mask = 1 << _CAP_DAC_OVERRIDE
        _require_success(
            _libc.capset(header, struct.pack("6I", mask, mask, mask, 0, 0, 0))
        )
        arguments = (_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)
        _require_success(_libc.prctl(*arguments))


def _require_success(return_code: int) -> None:
    if return_code != 0:
        raise OSError(ctypes.get_errno(), "the kernel denied a system call")


def choose_account(data_folder: Path, needed_paths: tuple[Path, ...]) -> Account | None:
    """Choose the account of a server that refuses to run as root.

    Return None if this process is not root. An existing data folder keeps its owner. If
    a folder above `needed_paths` is closed to the account (a checkout under /root), the
    account bypasses folder permissions. Raises StartError if there is no such user.
    """
    if os.geteuid() != 0:
        return None
    user = _find_unprivileged_owner(data_folder) or _find_unprivileged_user()
    account = Account(user.pw_uid, user.pw_gid)
    if all(_is_reachable(path, account) for path in needed_paths):
        return account
    return replace(account, bypasses_folder_permissions=True)


def _find_unprivileged_owner(folder: Path) -> pwd.struct_passwd | None:
    """Return the owner of a folder; None if that is root or there is no folder."""
    try:
        uid = folder.stat().st_uid
        return pwd.getpwuid(uid) if uid != 0 else None
    except (FileNotFoundError, KeyError):
        return None


def _find_unprivileged_user() -> pwd.struct_passwd:
    users = {user.pw_name: user for user in pwd.getpwall()}
    for name in UNPRIVILEGED_USERS:
        if name in users and users[name].pw_uid != 0:
            return users[name]
    raise StartError(
        "Postgres does not run as root, and no user postgres, nobody or daemon exists. "
        "Create one, or set DATABASE_URL and REDIS_URL."
    )


def _is_reachable(path: Path, account: Account) -> bool:
    """Return whether the account may enter every existing folder above `path`."""
    parents = (folder for folder in path.resolve().parents if folder.exists())
    return all(_can_enter(folder.stat(), account) for folder in parents)


def _can_enter(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
