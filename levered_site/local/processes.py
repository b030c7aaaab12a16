"""How one child process is started: its own session, its account, its death with ours."""

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

# Every child carries the home it belongs to in its environment, so that the next start
# finds what a killed supervisor may have left.
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
    """A child could not even be started; the message says what it needs."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who a child runs as. `climbs`: may pass folders that are closed to the account."""

    uid: int
    gid: int
    bypasses_folder_permissions: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """A child to start: what to run, where, as whom, and how to ask it to stop.

    `orphaned` is what the kernel sends it when the supervisor is gone; after `patience`
    seconds of a stop nobody asks any more. `before` runs ahead of every
    start. A `store` is stopped after those who use it.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    log: Path | None = None
    stop: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM
    stop_timeout_seconds: float = 10.0
    before: Callable[[], None] | None = None
    store: bool = False


def start_program(program: Program) -> subprocess.Popen[bytes]:
    """Start a program. Only from the main thread: it dies with the thread that forked it."""
    parent = os.getpid()
    if program.before:
        program.before()

    def set_up_child() -> None:
        if program.account:
            _switch_account(program.account)
        _die_with_parent(parent, program.orphan_signal)

    output = program.log.open("ab") if program.log else None
    try:
        return subprocess.Popen(  # noqa: S603 - every command is put together in this package
            program.command,
            cwd=program.folder,
            env={**os.environ, **program.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=set_up_child,  # noqa: PLW1509 - the supervisor has no other thread
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StartError(
            f"{program.name} cannot be started ({error}). {program.command[0]} and "
            f"{program.folder} must be within reach of {program.account or 'this user'}."
        ) from error
    finally:
        if output:
            output.close()


def _die_with_parent(parent: int, orphaned: signal.Signals) -> None:
    """Have the kernel send `orphaned` to this process when its parent is gone."""
    if not _IS_LINUX:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(orphaned), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _switch_account(account: Account) -> None:
    """Give up root; keep, where asked, the one right to pass closed folders."""
    if account.bypasses_folder_permissions:
        # Otherwise access(2), which Postgres asks, answers as if the right were gone.
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
        raised = (_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)
        _require_success(_libc.prctl(*raised))


def _require_success(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), "the kernel refuses")


def choose_account(owned: Path, reached: tuple[Path, ...]) -> Account | None:
    """Choose who runs a server that refuses root; None when we are not root.

    An existing folder's owner stays its owner. `reached` are the paths that the account
    must get to: where a parent is closed to it (a checkout under /root), it climbs.
    """
    if os.geteuid() != 0:
        return None
    entry = _get_owner(owned) or _find_first_user("postgres", "nobody", "daemon")
    account = Account(entry.pw_uid, entry.pw_gid)
    if all(_is_passable(path, account) for path in reached):
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
    message = (
        f"Postgres does not run as root, and there is no user {' or '.join(names)}"
    )
    raise LookupError(message)


def _is_passable(path: Path, account: Account) -> bool:
    """Whether every folder above `path`, as far as there are, lets the account pass."""
    above = (folder for folder in path.resolve().parents if folder.exists())
    return all(_may_enter(folder.stat(), account) for folder in above)


def _may_enter(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
