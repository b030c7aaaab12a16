"""Fixtures for every test. Factories are plain functions, in files of their own."""

import gc
import importlib
import logging
import os
import pkgutil
import re
import time
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import django_ratelimit.core
import pytest
from django.core.cache import cache
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import override_settings
from hypothesis import is_hypothesis_test, settings
from xdist.scheduler import LoadScopeScheduling

from levered_site.api import grouped_rate_limits, rate_limits
from levered_site.web import worker
from optimizations.serving import new_user_cap, snapshot_memory
from tests.support import flushing
from tests.support.shared_service import shared_service

__all__ = ["shared_service"]

# Property tests answer the same every time, on a slow machine too. `make explore` loads
# the other profile and repeats each of them with fresh seeds.
settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, print_blob=True
)
settings.register_profile(
    "explore", derandomize=False, database=None, deadline=None, print_blob=True
)
settings.load_profile("repeatable")

ROUNDS = int(os.environ.get("ROUNDS", "20"))
PACKAGES = ("levered_site", "optimizations", "models_app", "metrics", "warehouse")
# Tests that use a running service run in one process, one by one: they share it, and no
# two services compete for the machine.
SERVICE = "service"
SERVICE_TESTS = re.compile(r"/mcp/|cli_story|code_blocks|survival|supervisor")
# Files of few tests that take long. Begun at the end, one would keep a process busy while
# the other one has nothing left.
LONG_FILES = re.compile(
    r"admin/test_(accessibility|charts|keyboard|results_page|widths|(\w+_)?browser)"
    r"|test_connected_(clock|loop)|test_snowflake_loop|test_out_of_reach"
    r"|test_clock_jumps|test_learning_loop|test_deleted_rows|test_release_upgrade"
    r"|test_set_up|test_openapi|test_imports|test_edge_example|benchmarks/test_"
    r"|javascript/|test_isolation|test_failed_counts|test_calibration"
    r"|test_first_touches|test_metric_(changed_back|revisions)|test_whales|test_dead_code"
    r"|in_browser|cors_browser|test_tenancy|test_role_links|stud(y|ies)|equality|_engine"
)
HOW_TO_REPEAT = """\
Each failure above ends with a line @reproduce_failure(...). To repeat it, put that line
above the test and run: make test ARGS="-k name_of_the_test". To keep it, write what was
generated as an @example(...) instead.
"""


def _explores() -> bool:
    return settings.get_current_profile_name() == "explore"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Check what running side by side relies on; load what examples depend on."""
    twice = [
        name for name, times in Counter(i.nodeid for i in items).items() if times > 1
    ]
    if twice:
        raise pytest.UsageError(
            f"Two tests share the id {twice[0]}: only one would run."
        )
    for item in items:
        uses_service = SERVICE in getattr(item, "fixturenames", ())
        if uses_service and not SERVICE_TESTS.search(item.nodeid):
            raise pytest.UsageError(
                f"SERVICE_TESTS in {__file__} must match {item.nodeid}."
            )
    _import_every_module()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Let the garbage collector pass over what stays to the end: all tests and modules.

    Looking at their millions of objects again and again took a quarter of the time. The
    rest is looked at as seldom as in a web process.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*worker.GC_THRESHOLDS)


def _import_every_module() -> None:
    """Import all of the project before the first test runs.

    Hypothesis also draws constants that it reads from the modules loaded so far. If tests
    loaded modules one by one, examples would depend on which tests ran before.
    """
    # First, because it registers the path converters of the other URLconfs.
    importlib.import_module("levered_site.urls")
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(path, f"{package}."):
            importlib.import_module(module.name)


class _Scheduler(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Give each worker a file at a time, since its tests share fixtures."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return SERVICE if SERVICE_TESTS.search(path) else path

    def _assign_work_unit(self, node: Any) -> None:
        """Assign the tests of the service first, then long files, then by their tests."""
        waiting = [SERVICE, *filter(LONG_FILES.search, self.workqueue)]
        first = next((scope for scope in waiting if scope in self.workqueue), None)
        if first is not None:
            self.workqueue.move_to_end(first, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduler:
    """Distribute the tests of `pytest -n 2`."""
    return _Scheduler(config, log)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Repeat every property test: each round has a seed of its own."""
    test = metafunc.function
    is_seeded = getattr(test, "_hypothesis_internal_use_seed", None) is not None
    if _explores() and is_hypothesis_test(test) and not is_seeded:
        metafunc.parametrize("exploring_round", range(ROUNDS))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to repeat what exploring found."""
    if _explores() and terminalreporter.stats.get("failed"):
        terminalreporter.section("how to repeat a failure")
        terminalreporter.write(HOW_TO_REPEAT)


@pytest.fixture(autouse=True)
def exploring_round() -> None:
    """Take a round's number where `make explore` repeats a test."""


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Leave the database to the end of the run: open connections would block a drop."""
    return True


@pytest.fixture(scope="session", autouse=True)
def _quick_flush() -> Iterator[None]:
    """Empty the database between tests without truncating every table."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", flushing.sql_flush)
        yield


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """Hash passwords quickly: a hash that is slow on purpose takes longer than a page."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=hashers):
        yield


@pytest.fixture(autouse=True)
def _log_level() -> Iterator[None]:
    """Restore the root logger's level, which Celery's workers in tests raise to ERROR."""
    level = logging.root.level
    yield
    logging.root.setLevel(level)


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test count another's requests, nor run over the end of a rate's window."""
    cache.clear()
    # Redraws would wait for other processes to hear of a bar.
    monkeypatch.setattr(snapshot_memory, "SETTLE_SECONDS", 0.0)
    now = time.time()
    clock = SimpleNamespace(time=lambda: now, monotonic=time.monotonic)
    counting = (django_ratelimit.core, rate_limits, grouped_rate_limits, new_user_cap)
    for module in counting:
        monkeypatch.setattr(module, "time", clock)
