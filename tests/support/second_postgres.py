"""A second Postgres, as a customer has one: over TCP, with a role that may only read."""

import itertools
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from levered_site.local import embedded, embedded_stores, supervisor
from tests.support.reference_cube import Reward, Touch
from tests.support.running_service import RUN, free_port

PASSWORD = "s3cret-Passw0rd"
_numbers = itertools.count(1)

TABLES = """
CREATE ROLE reader LOGIN PASSWORD 's3cret-Passw0rd' NOINHERIT;
CREATE TABLE public.shown (
  "user" text, seen timestamptz, experiment text, variant jsonb, variant_text text,
  context jsonb, context_text text, version text);
CREATE TABLE public.bought (
  "user" text, at timestamptz, amount double precision, label text, experiment uuid);
CREATE TABLE public.secrets (word text);
INSERT INTO public.secrets VALUES ('hidden');
CREATE SCHEMA shop;
CREATE VIEW shop.orders AS SELECT "user", at FROM public.bought;
GRANT USAGE ON SCHEMA shop TO reader;
GRANT SELECT ON public.shown, public.bought, shop.orders TO reader;
"""


@dataclass(frozen=True)
class SecondServer:
    """A running server with a customer's tables."""

    home: Path
    port: int

    @property
    def credentials(self) -> dict[str, Any]:
        """The credentials that a customer would send."""
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "database": embedded.DATABASE_NAME,
            "username": "reader",
            "password": PASSWORD,
            "sslmode": "disable",
        }

    @contextmanager
    def owner(
        self, database: str = embedded.DATABASE_NAME
    ) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """Connect as the server's owner, a superuser."""
        with psycopg.connect(
            host=str(embedded.build_addresses(self.home).socket_folder),
            port=self.port,
            user=embedded.DATABASE_OWNER,
            dbname=database,
            autocommit=True,
        ) as connection:
            yield connection

    def store(
        self,
        optimization_id: str,
        touches: Sequence[Touch],
        rewards: Sequence[Reward] = (),
    ) -> None:
        """Store events as a customer's own pipeline would."""
        experiment = optimization_id.upper()
        exposure_rows = [
            (*_build_exposure_row(touch), experiment, touch.variant, touch.context)
            for touch in touches
        ]
        reward_rows = [
            (reward.user, reward.at, reward.value, reward.name, reward.optimization_id)
            for reward in rewards
        ]
        with self.owner() as owner, owner.cursor() as cursor:
            cursor.executemany(
                'INSERT INTO public.shown ("user", seen, version, experiment,'
                " variant_text, context_text) VALUES (%s, %s, %s, %s, %s, %s)",
                exposure_rows,
            )
            cursor.executemany(
                "INSERT INTO public.bought VALUES (%s, %s, %s, %s, %s)", reward_rows
            )


def _build_exposure_row(touch: Touch) -> tuple[str, datetime, str | None]:
    version = None if touch.policy_version is None else str(touch.policy_version)
    return touch.user, touch.at.astimezone(UTC), version


@contextmanager
def run_second_server() -> Iterator[SecondServer]:
    """Start a server with the tables; stop it at the end."""
    home = RUN.parent / "homes" / f"second-{next(_numbers)}"
    home.parent.mkdir(exist_ok=True)
    home.parent.chmod(0o711)
    server = SecondServer(home, free_port())
    stores = embedded_stores.describe_stores(home)
    server_supervisor = supervisor.Supervisor(stores.home)
    embedded_stores.prepare_folders(stores)
    embedded_stores.set_up_postgres(stores, durable=False)
    rules = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
    (stores.postgres_folder / "pg_hba.conf").write_text(rules)
    settings = {"listen_addresses": "127.0.0.1", "port": str(server.port)}
    try:
        server_supervisor.start(
            embedded_stores.build_postgres_program(
                stores, embedded_stores.NON_DURABLE_SETTINGS | settings
            )
        )
        _create_database(server, server_supervisor)
        yield server
    finally:
        server_supervisor.stop()


def _create_database(
    server: SecondServer, server_supervisor: supervisor.Supervisor
) -> None:
    deadline = time.monotonic() + embedded_stores.START_TIMEOUT_SECONDS
    while not _is_answering(server):
        assert time.monotonic() < deadline, "the second server does not answer"
        server_supervisor.wait(0.05)
    with server.owner("postgres") as owner:
        owner.execute("CREATE DATABASE levered")
    with server.owner() as owner:
        owner.execute(TABLES)


def _is_answering(server: SecondServer) -> bool:
    with suppress(psycopg.OperationalError), server.owner("postgres"):
        return True
    return False
