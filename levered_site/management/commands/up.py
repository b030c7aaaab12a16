"""`manage.py up`: run the whole service on one machine, under one supervisor."""

import errno
import ipaddress
import os
import secrets
import shlex
import socket
import sys
import time
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from levered_site.local import embedded, embedded_stores, programs
from levered_site.local.folders import FolderTakenError
from levered_site.local.processes import StartError
from levered_site.local.supervisor import (
    HomeTakenError,
    Supervisor,
    end_leftover_processes,
    lock_home,
)
from levered_site.organizations.models import Organization

READY_TIMEOUT_SECONDS = 60.0
DEMO_ORGANIZATION = ("org_demo", "Demo")
ADMIN_USERNAME = "admin"


class Command(BaseCommand):
    """Start the service, print its URLs, and run until a signal arrives."""

    help = (
        "Run the service: stores, web, Celery worker and clock, under one supervisor."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare `--host`; the port and the home come from the environment."""
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))

    def handle(self, *_args: Any, **options: Any) -> None:
        """Check settings, home and port, then run."""
        home = Path(settings.LEVERED_HOME).resolve()
        host, port = str(options["host"]), int(settings.PORT)
        self.check(app_configs=None, tags=["levered"])
        try:
            with lock_home(home):
                if ended_count := end_leftover_processes(home):
                    self.stdout.write(
                        f"ended {ended_count} processes of an earlier run"
                    )
                _require_free_port(host, port)
                supervisor = Supervisor(home)
                with supervisor.handle_signals():
                    self._run(supervisor, host, port)
        except HomeTakenError:
            raise CommandError(
                f"{home} is in use: the service is already running there. "
                "Stop it, or choose another folder with LEVERED_HOME."
            ) from None
        except (embedded_stores.StoreError, FolderTakenError, StartError) as error:
            raise CommandError(str(error)) from error

    def _run(self, supervisor: Supervisor, host: str, port: int) -> None:
        started_at = time.monotonic()
        try:
            self._start_stores(supervisor)
            call_command("migrate", interactive=False, verbosity=0, skip_checks=True)
            self.check(tags=["database"], databases=["default"])
            self.stdout.write("database    migrated")
            self._create_and_print_first_accounts()
            web, *other_programs = programs.build_programs(supervisor.home, host, port)
            supervisor.start(web)
            self._print_urls_when_ready(supervisor, host, port, started_at)
            # Start these last: they would slow down the start of the web server.
            for program in other_programs:
                supervisor.start(program)
            supervisor.wait(float("inf"))
        except KeyboardInterrupt:
            self.stdout.write("stopping")
        finally:
            supervisor.stop()
            with suppress(OSError):  # no such folder, or it is not empty
                embedded.build_addresses(supervisor.home).socket_folder.rmdir()
            self.stdout.write(f"stopped; the data stay in {supervisor.home}")

    def _start_stores(self, supervisor: Supervisor) -> None:
        """Start the stores whose URLs in the settings are the embedded ones."""
        home = supervisor.home
        addresses = embedded.build_addresses(home)
        uses_embedded_database = addresses.database_url == settings.DATABASE_URL
        uses_embedded_cache = addresses.redis_url == settings.REDIS_URL
        if not (uses_embedded_database or uses_embedded_cache):
            return
        stores = embedded_stores.describe_stores(home)
        embedded_stores.prepare_folders(stores)
        if uses_embedded_cache:
            supervisor.start(embedded_stores.build_valkey_program(stores))
        if uses_embedded_database:
            embedded_stores.set_up_postgres(stores)
            supervisor.start(embedded_stores.build_postgres_program(stores))
            embedded_stores.ensure_database(stores, supervisor.tick)
            self.stdout.write(f"Postgres    ready, data in {stores.postgres_folder}")
        if uses_embedded_cache:
            embedded_stores.wait_for_valkey(stores, supervisor.tick)
            self.stdout.write(f"Valkey      ready, data in {home / 'valkey'}")

    def _create_and_print_first_accounts(self) -> None:
        """Create the first accounts; print the admin's password at once.

        It is stored as a hash only: a start that fails later must not lose it.
        """
        if password := _create_first_accounts():
            self.stdout.write(
                f"password    {password}   <- of {ADMIN_USERNAME}, shown only once"
            )
            self.stdout.flush()

    def _print_urls_when_ready(
        self, supervisor: Supervisor, host: str, port: int, started_at: float
    ) -> None:
        """Wait until the web server is ready, then print the URLs."""
        base_url = f"http://localhost:{port}"
        _wait_until_ready(supervisor, _get_reachable_host(host), port)
        seconds = time.monotonic() - started_at
        lines = [
            f"web         ready after {seconds:.1f} s on {base_url}",
            f"API         {base_url}/api/v2/docs",
            f"admin       {base_url}/admin/ (user {ADMIN_USERNAME})",
            f"data        {settings.LEVERED_HOME}",
            f"token       {_build_token_command()}",
            "Ctrl-C stops everything.",
        ]
        for line in lines:
            self.stdout.write(line)
        self.stdout.flush()


def _build_token_command() -> str:
    home = os.environ.get("LEVERED_HOME")
    prefix = f"LEVERED_HOME={shlex.quote(home)} " if home else ""
    python = shlex.quote(os.path.relpath(sys.executable))
    organization_id, _ = DEMO_ORGANIZATION
    return (
        f"{prefix}{python} manage.py issue_token --org {organization_id} --role admin"
    )


def _require_free_port(host: str, port: int) -> None:
    """Raise CommandError if the port is in use: the web server would share it.

    Also if the host is unknown, or an address that the machine does not have.
    """
    try:
        address_info, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = address_info
        with socket.socket(family, socket.SOCK_STREAM) as probe_socket:
            probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe_socket.bind(address)
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            raise CommandError(
                f"port {port} is not free ({error.strerror}). "
                "Choose another port with PORT."
            ) from error
        raise CommandError(
            f"the machine cannot listen on {host} ({error.strerror}). "
            "Choose one of its addresses with HOST."
        ) from error


@transaction.atomic
def _create_first_accounts() -> str | None:
    """Create the demo organization and the admin; return the new admin's password.

    Only on the first start, when there is neither an organization nor a user: an admin
    that was removed later stays removed.
    """
    user_manager = get_user_model().objects
    if Organization.objects.exists() or user_manager.exists():
        return None
    organization_id, name = DEMO_ORGANIZATION
    Organization.objects.create(id=organization_id, name=name)
    password = secrets.token_urlsafe(12)
    user_manager.create_superuser(ADMIN_USERNAME, password=password)
    return password


def _get_reachable_host(host: str) -> str:
    """Return the host to connect to, as it is written in a URL.

    That is the loopback address if the server listens on all interfaces.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return host if address.version == 4 else f"[{host}]"


def _wait_until_ready(supervisor: Supervisor, host: str, port: int) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    last_answer = "no answer"
    while time.monotonic() < deadline:
        supervisor.wait(0.2)
        try:
            response = _ask_readiness(host, port)
        except httpx.HTTPError as error:
            last_answer = str(error)
            continue
        if response.is_success:
            return
        last_answer = f"GET /readyz answers {response.status_code}, {response.text}"
    raise CommandError(
        f"the web server is not ready after {READY_TIMEOUT_SECONDS:.0f} s: "
        f"{last_answer}\nSee the log files in {supervisor.home}/log."
    )


def _ask_readiness(host: str, port: int) -> httpx.Response:
    """Ask /readyz under a Host that the settings always allow, whatever HOST is."""
    return httpx.get(
        f"http://{host}:{port}/readyz",
        headers={"Host": f"localhost:{port}"},
        timeout=1,
        trust_env=False,
    )
