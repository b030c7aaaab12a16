"""A Postgres and Valkey for one measurement: durable, in a fresh folder, removed after."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from levered_site.local import embedded, engines, supervisor

# As an operator would set a machine of this size; the rest is what `make run` starts.
SETTINGS = {"max_wal_size": "8GB"}

POSTMASTER = "BENCHMARK_POSTMASTER"


def read_server_cpu(environment: dict[str, str]) -> float:
    """Seconds of CPU of all the sessions that have ended so far, by the system's count."""
    used = psutil.Process(int(environment[POSTMASTER])).cpu_times()
    return float(used.children_user + used.children_system)


def copy_database(environment: dict[str, str], name: str) -> dict[str, str]:
    """Keep the database as it is now under another name; returns the environment of it."""
    url = environment["DATABASE_URL"]
    live, _, socket = url.partition("?")
    server, _, database = live.rpartition("/")
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(database)
    )
    with psycopg.connect(f"{server}/postgres?{socket}", autocommit=True) as connection:
        connection.execute(copy)
    return {**environment, "DATABASE_URL": f"{server}/{name}?{socket}"}


@contextmanager
def run_stores() -> Iterator[dict[str, str]]:
    """Start both stores; yields the environment by which the service finds them."""
    folder = Path(tempfile.mkdtemp(prefix="levered-bench-")).resolve()
    folder.chmod(0o711)  # under root, Postgres runs as somebody else and passes through
    stores = engines.describe_engines(folder / "home")
    keeper = supervisor.Supervisor(stores.home)
    try:
        engines.prepare_folders(stores)
        keeper.start(engines.build_valkey_program(stores))
        engines.set_up_postgres(stores)
        keeper.start(engines.build_postgres_program(stores, SETTINGS))
        engines.create_database(stores, keeper.tick)
        engines.wait_for_valkey(stores, keeper.tick)
        yield {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "levered_site.settings",
            "LEVERED_HOME": str(stores.home),
            "DATABASE_URL": stores.addresses.database_url,
            "REDIS_URL": stores.addresses.redis_url,
            POSTMASTER: (stores.data / "postmaster.pid").read_text().split()[0],
        }
    finally:
        keeper.stop()
        shutil.rmtree(
            embedded.build_addresses(stores.home).socket_folder, ignore_errors=True
        )
        shutil.rmtree(folder, ignore_errors=True)
