"""Pytest plugin (`-p tests.support.services`): a fresh Postgres and Valkey for one run.

It acts before Django's settings are read, which find the stores in the environment.
Any number of runs may go on at once: each has a folder of its own and holds its lock.
The workers of pytest-xdist (`-n 2`) are such runs. They share nothing, so that a test may
stop a server or empty a store. The process that hands out the tests starts no stores.
"""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from levered_site.local import embedded, embedded_stores, supervisor

PREFIX = "levered-tests-"
# What a developer's shell may hold, and a test must not see.
STRANGE = (
    *("CELERY_BROKER_URL", "PORT", "PUBLIC_URL", "HTTPS", "DEBUG", "LOG_LEVEL"),
    *("SECRET_KEY", "CREDENTIAL_KEYS", "TRUSTED_PROXIES", "METRICS_TOKEN"),
    *("RATELIMIT_GLOBAL", "RATELIMIT_SERVE", "RATELIMIT_INGEST", "ADMIN_LOGINS"),
    *("ALLOWED_HOSTS", "CORS_ALLOWED_ORIGINS", "CSRF_TRUSTED_ORIGINS"),
    *("CLERK_ISSUER", "CLERK_JWKS_URL", "CLERK_PEM_KEY", "CLERK_AUDIENCES"),
    *("CLERK_AUTHORIZED_PARTIES", "PROMETHEUS_MULTIPROC_DIR"),
    # Each of some hundred processes would compile the whole project.
    "PYTHONDONTWRITEBYTECODE",
)

_run = ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, object, object]:
    """Name the stores of this run, before pytest-django reads the settings."""
    try:
        _name_stores()
        return (yield)
    except BaseException:
        _run.close()
        raise


def _name_stores() -> None:
    home = _own_folder() / "home"
    here = embedded.build_addresses(home)
    for name in STRANGE:
        os.environ.pop(name, None)
    sys.dont_write_bytecode = False
    os.environ["LEVERED_HOME"] = str(home)
    os.environ["DATABASE_URL"] = here.database_url
    os.environ["REDIS_URL"] = here.redis_url


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the stores, where tests run."""
    option = session.config.option
    if option.collectonly or getattr(option, "dist", "no") != "no":
        return
    stores = embedded_stores.describe_stores(Path(os.environ["LEVERED_HOME"]))
    keeper = supervisor.Supervisor(stores.home)
    _run.callback(keeper.stop)
    embedded_stores.prepare_folders(stores)
    keeper.start(embedded_stores.build_valkey_program(stores))
    embedded_stores.set_up_postgres(stores, durable=False)
    keeper.start(
        embedded_stores.build_postgres_program(
            stores, embedded_stores.NON_DURABLE_SETTINGS
        )
    )
    embedded_stores.ensure_database(stores, keeper.tick)
    embedded_stores.wait_for_valkey(stores, keeper.tick)


def pytest_unconfigure() -> None:
    """Stop the stores and forget the run."""
    _run.close()


def _own_folder() -> Path:
    """Make this run's folder. Its lock, held to the end, is in it when it appears."""
    temporary = Path(tempfile.gettempdir()).resolve()
    _sweep(temporary)
    draft = Path(tempfile.mkdtemp(dir=temporary, prefix="levered-new-"))
    draft.chmod(0o711)  # under root, Postgres runs as somebody else and passes through
    lock = _run.enter_context((draft / "lock").open("w"))
    fcntl.flock(lock, fcntl.LOCK_EX)
    folder = draft.rename(temporary / draft.name.replace("levered-new-", PREFIX))
    _run.callback(_remove, folder)
    return folder


def _sweep(temporary: Path) -> None:
    """End and remove what killed runs left: processes, data, sockets."""
    for folder in temporary.glob(f"{PREFIX}*"):
        # Another run may sweep the same one, or end: then it is gone under our hands.
        with suppress(BlockingIOError, FileNotFoundError):
            if folder.stat().st_uid != os.geteuid():
                continue
            with (folder / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for home in (folder / "home", *(folder / "homes").glob("*")):
                    supervisor.end_leftover_processes(home)
                _remove(folder)


def _remove(folder: Path) -> None:
    for home in (folder / "home", *(folder / "homes").glob("*")):
        shutil.rmtree(embedded.build_addresses(home).socket_folder, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
