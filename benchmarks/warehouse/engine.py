"""Durable Postgres and Valkey for one measurement, in a folder that is removed after it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from levered_site.local import embedded, embedded_stores, supervisor

# What an operator would set on a machine of this size; the rest is as in `make run`.
SETTINGS = {"max_wal_size": "8GB"}

POSTMASTER = "BENCHMARK_POSTMASTER"


def read_server_cpu(environment: dict[str, str]) -> float:
    """Return the CPU seconds of all Postgres sessions that have ended so far."""
    times = psutil.Process(int(environment[POSTMASTER])).cpu_times()
    return float(times.children_user + times.children_system)


def copy_database(environment: dict[str, str], name: str) -> dict[str, str]:
    """Copy the database under another name; return an environment that uses the copy."""
    url = environment["DATABASE_URL"]
    address, _, socket = url.partition("?")
    server, _, database = address.rpartition("/")
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(database)
    )
    with psycopg.connect(f"{server}/postgres?{socket}", autocommit=True) as connection:
        connection.execute(copy)
    return {**environment, "DATABASE_URL": f"{server}/{name}?{socket}"}


@contextmanager
def run_stores() -> Iterator[dict[str, str]]:
    """Start both stores; yield the environment in which the service finds them."""
    folder = Path(tempfile.mkdtemp(prefix="levered-bench-")).resolve()
    folder.chmod(0o711)  # under root, Postgres runs as another user and must pass
    stores = embedded_stores.describe_stores(folder / "home")
    store_supervisor = supervisor.Supervisor(stores.home)
    try:
        embedded_stores.prepare_folders(stores)
        store_supervisor.start(embedded_stores.build_valkey_program(stores))
        embedded_stores.set_up_postgres(stores)
        store_supervisor.start(embedded_stores.build_postgres_program(stores, SETTINGS))
        embedded_stores.ensure_database(stores, store_supervisor.tick)
        embedded_stores.wait_for_valkey(stores, store_supervisor.tick)
        yield {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "levered_site.settings",
            "LEVERED_HOME": str(stores.home),
            "DATABASE_URL": stores.addresses.database_url,
            "REDIS_URL": stores.addresses.redis_url,
            POSTMASTER: (stores.postgres_folder / "postmaster.pid")
            .read_text()
            .split()[0],
        }
    finally:
        store_supervisor.stop()
        shutil.rmtree(
            embedded.build_addresses(stores.home).socket_folder, ignore_errors=True
        )
        shutil.rmtree(folder, ignore_errors=True)
