"""Starting a child process: its own session, its account, its end with its parent."""

import ctypes
import os
import pwd
import signal
import stat
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Every child has the path of its home in its environment, so that the next start finds
# the processes that a killed supervisor left.
HOME_VARIABLE = "LEVERED_CHILD_OF"

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
    """A child could not be started; the message says what it needs."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that a child runs as, and whether it may enter folders closed to it."""

    uid: int
    gid: int
    bypasses_folder_permissions: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """A child to start: its command, folder and account, and how to stop it.

    The kernel sends `orphan_signal` when the supervisor has died. A child that still
    runs `stop_timeout_seconds` after `stop_signal` is killed. `before_start` runs
    before every start. Stores are stopped after the programs that use them.
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


def start_program(program: Program) -> subprocess.Popen[bytes]:
    """Start a program. Call it from the main thread: a child ends with its thread.

    Raises StartError.
    """
    parent = os.getpid()
    if program.before_start:
        program.before_start()

    def set_up_child() -> None:
        if program.account:
            _switch_account(program.account)
        _die_with_parent(parent, program.orphan_signal)

    output = program.log_file.open("ab") if program.log_file else None
    try:
        return subprocess.Popen(  # noqa: S603 - this package builds every command
            program.command,
            cwd=program.folder,
            env={**os.environ, **program.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=set_up_child,  # noqa: PLW1509 - there is no other thread
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StartError(
            f"{program.name} cannot be started ({error}). Let "
            f"{program.account or 'this user'} access {program.command[0]} and "
            f"{program.folder}."
        ) from error
    finally:
        if output:
            output.close()


def _die_with_parent(parent: int, orphan_signal: signal.Signals) -> None:
    """Make the kernel send `orphan_signal` to this process when its parent dies."""
    if not _IS_LINUX:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(orphan_signal), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _switch_account(account: Account) -> None:
    """Switch from root to the account, keeping its right to enter closed folders."""
    if account.bypasses_folder_permissions:
        # Otherwise access(2), which Postgres calls, denies what the right allows.
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


def _require_success(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "the kernel denied a system call")


def choose_account(data: Path, needed_paths: tuple[Path, ...]) -> Account | None:
    """Choose the user of a server that refuses to run as root; None if we are not root.

    An existing data folder keeps its owner. If a parent of `needed_paths` is closed to
    the account (a checkout under /root), it gets the right to enter closed folders.
    """
    if os.geteuid() != 0:
        return None
    entry = _get_owner(data) or _find_first_user("postgres", "nobody", "daemon")
    account = Account(entry.pw_uid, entry.pw_gid)
    if all(_is_reachable(path, account) for path in needed_paths):
        return account
    return Account(entry.pw_uid, entry.pw_gid, bypasses_folder_permissions=True)


def _get_owner(folder: Path) -> pwd.struct_passwd | None:
    try:
        uid = folder.stat().st_uid
        return pwd.getpwuid(uid) if uid != 0 else None
    except (FileNotFoundError, KeyError):
        return None


def _find_first_user(*names: str) -> pwd.struct_passwd:
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in names:
        if name in users and users[name].pw_uid != 0:
            return users[name]
    message = f"Postgres does not run as root, and no user {' or '.join(names)} exists"
    raise LookupError(message)


def _is_reachable(path: Path, account: Account) -> bool:
    """Return whether the account may enter every existing folder above `path`."""
    parents = (folder for folder in path.resolve().parents if folder.exists())
    return all(_may_enter(folder.stat(), account) for folder in parents)


def _may_enter(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
