"""A warehouse that is out of reach costs seconds, and the error names its host."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pytest_django import Settings

from levered_site.errors import WarehouseError
from tests.support import cloud_endpoints, histories
from tests.support.running_service import PATIENCE, until
from warehouse.backends import (
    bigquery,
    bigquery_process,
    cancellation,
    deadlines,
    postgres,
    process_sessions,
    snowflake,
)
from warehouse.backends.base import Backend
from warehouse.backends.errors import QueryFailedError

SECONDS = 3
START_SECONDS = 10 * PATIENCE  # of a process that imports a vendor's client
# TEST-NET-1: nobody answers there, and whether the network refuses it differs.
NOWHERE = "192.0.2.1"
PROVIDERS = ("snowflake", "bigquery")


@pytest.fixture(autouse=True)
def _short_deadline(settings: Settings) -> Iterator[None]:
    settings.WAREHOUSE_CONNECT_SECONDS = SECONDS
    settings.WAREHOUSE_ALLOW_PRIVATE = True
    process_sessions.get_spares().close()
    yield
    process_sessions.get_spares().close()


@pytest.fixture(scope="module")
def key() -> str:
    """Return a private key."""
    return (
        rsa.generate_private_key(65537, 2048)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


@pytest.fixture
def build_backend(key: str, settings: Settings) -> Callable[[str, str], Backend]:
    """Return what builds a provider's backend whose endpoint is at a URL."""

    def build(provider: str, url: str) -> Backend:
        if provider == "snowflake":
            settings.SNOWFLAKE_ENDPOINT = url
            return snowflake.build_backend("org_a", histories.SNOWFLAKE_ACCOUNT)
        settings.BIGQUERY_ENDPOINT = url
        credentials = bigquery.validate_credentials(
            {
                "type": "service_account",
                "project_id": "p",
                "private_key": key,
                "client_email": "levered@p.iam.gserviceaccount.com",
            }
        )
        return bigquery.build_backend("org_a", credentials)

    return build


def build_postgres(host: str, port: int) -> Backend:
    """Return the backend of a Postgres at a host."""
    credentials = {
        "host": host,
        "port": port,
        "database": "x",
        "username": "x",
        "password": "unused",
        "sslmode": "disable",
    }
    return postgres.build_backend("org_a", postgres.validate_credentials(credentials))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Assert that the block takes no longer than that and the start of a process."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds + START_SECONDS


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_host_that_accepts_and_never_answers_costs_the_deadline(
    build_backend: Callable[[str, str], Backend], provider: str, scheme: str
) -> None:
    with cloud_endpoints.run_silent_server() as port, within(SECONDS):
        backend = build_backend(provider, f"{scheme}://127.0.0.1:{port}")
        with pytest.raises(WarehouseError, match=r"127\.0\.0\.1"):
            backend.test()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_refused_connection_costs_the_deadline_at_most(
    build_backend: Callable[[str, str], Backend], provider: str
) -> None:
    port = cloud_endpoints.find_closed_port()
    backend = build_backend(provider, f"http://127.0.0.1:{port}")

    with within(SECONDS), pytest.raises(WarehouseError, match=r"127\.0\.0\.1"):
        backend.test()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_address_where_nobody_is_costs_the_deadline_at_most(
    build_backend: Callable[[str, str], Backend], provider: str
) -> None:
    backend = build_backend(provider, f"http://{NOWHERE}:80")

    with within(SECONDS), pytest.raises(WarehouseError, match=NOWHERE):
        backend.test()


@pytest.fixture
def _hanging_resolver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let looking up a name take minutes in every process that is started now."""
    (tmp_path / "sitecustomize.py").write_text(
        "import socket, time\n"
        "def hang(*_arguments, **_options): time.sleep(120)\n"
        "socket.getaddrinfo = hang\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("_hanging_resolver")
@pytest.mark.parametrize("provider", [*PROVIDERS, "postgres"])
def test_looking_up_a_host_has_a_deadline(
    build_backend: Callable[[str, str], Backend], provider: str
) -> None:
    host = "warehouse.example"
    backend = (
        build_postgres(host, 5432)
        if provider == "postgres"
        else build_backend(provider, f"http://{host}:80")
    )

    with within(SECONDS), pytest.raises(WarehouseError, match=host):
        backend.test()


def test_the_vendors_own_hosts_are_named(
    build_backend: Callable[[str, str], Backend], key: str, settings: Settings
) -> None:
    account: Any = build_backend("snowflake", "")
    settings.BIGQUERY_ENDPOINT = ""

    assert account.host == "xy12345.eu-central-1.snowflakecomputing.com"
    assert bigquery.find_host() == "bigquery.googleapis.com"
    account_info = {
        "private_key": key,
        "client_email": "a@p.iam.gserviceaccount.com",
        "project_id": "p",
    }
    client = bigquery_process.build_client("p", account_info, "")
    assert client._connection.API_BASE_URL == "https://bigquery.googleapis.com"


def test_a_snowflake_that_logs_in_and_then_falls_silent_meets_the_deadline(
    build_backend: Callable[[str, str], Backend], settings: Settings
) -> None:
    settings.QUERY_TIMEOUT_SECONDS = 1

    def build_answers(endpoint: cloud_endpoints.Endpoint) -> Any:
        return {"login": cloud_endpoints.accept_login, "POST": endpoint.hang}

    with cloud_endpoints.run_endpoint(build_answers) as endpoint:
        backend = build_backend("snowflake", endpoint.url)
        with within(20), pytest.raises(WarehouseError):
            backend.query("SELECT a FROM t", 10)


def test_the_sessions_of_one_request_share_its_deadline(
    build_backend: Callable[[str, str], Backend],
) -> None:
    def build_answers(endpoint: cloud_endpoints.Endpoint) -> Any:
        return {"login": endpoint.hang}

    with cloud_endpoints.run_endpoint(build_answers) as endpoint:
        backend = build_backend("snowflake", endpoint.url)
        with within(SECONDS), deadlines.share_deadline(SECONDS):
            for _ in range(3):
                with pytest.raises(WarehouseError):
                    backend.test()
            with pytest.raises(QueryFailedError, match="in all"):
                backend.test()
        assert endpoint.count("login") <= 2


def test_rows_of_bigquery_arrive_with_their_price(
    build_backend: Callable[[str, str], Backend],
) -> None:
    def build_answers(_endpoint: cloud_endpoints.Endpoint) -> Any:
        return {
            "/token": cloud_endpoints.give_token,
            "POST /bigquery/v2/projects/p/jobs": cloud_endpoints.start_job,
            "GET /bigquery/v2/projects/p/jobs/j": cloud_endpoints.finish_job,
            "GET /bigquery/v2/projects/p/queries/j": cloud_endpoints.give_rows,
        }

    with cloud_endpoints.run_endpoint(build_answers) as endpoint:
        result = build_backend("bigquery", endpoint.url).query("SELECT n FROM d.t", 10)

    assert (result.columns, result.rows) == (("n",), ((7,),))
    assert result.bytes_scanned == 100


def assert_cancelled(backend: Backend, endpoint: cloud_endpoints.Endpoint) -> None:
    """Assert that cancelling ends a query that waits for its result, within seconds."""
    canceller = cancellation.Canceller()

    def ask() -> None:
        with cancellation.use_canceller(canceller):
            backend.query("SELECT n FROM d.t", 10)

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(ask)
        until(lambda: endpoint.is_hanging, START_SECONDS)
        started = time.monotonic()
        canceller.cancel()
        with pytest.raises(WarehouseError):
            worker.result()
        assert time.monotonic() - started < 10 * PATIENCE


def test_cancelling_ends_the_statement_in_snowflake(
    build_backend: Callable[[str, str], Backend],
) -> None:
    def build_answers(endpoint: cloud_endpoints.Endpoint) -> Any:
        return {
            "login": cloud_endpoints.accept_login,
            "query-request": endpoint.hang,
            "POST": cloud_endpoints.succeed,
        }

    with cloud_endpoints.run_endpoint(build_answers) as endpoint:
        assert_cancelled(build_backend("snowflake", endpoint.url), endpoint)

        (aborted,) = [body for path, body in endpoint.requests if "abort" in path]
        assert "FROM" in aborted["sqlText"]


def test_cancelling_ends_the_job_in_bigquery(
    build_backend: Callable[[str, str], Backend],
) -> None:
    def build_answers(endpoint: cloud_endpoints.Endpoint) -> Any:
        return {
            "/token": cloud_endpoints.give_token,
            "/cancel": cloud_endpoints.finish_job,
            "POST /bigquery/v2/projects/p/jobs": cloud_endpoints.start_job,
            "GET": endpoint.hang,
        }

    with cloud_endpoints.run_endpoint(build_answers) as endpoint:
        assert_cancelled(build_backend("bigquery", endpoint.url), endpoint)

        assert endpoint.count("/cancel") >= 1


def test_no_process_outlives_its_session(
    build_backend: Callable[[str, str], Backend],
) -> None:
    with cloud_endpoints.run_silent_server() as port, pytest.raises(WarehouseError):
        build_backend("snowflake", f"http://127.0.0.1:{port}").test()

    process_sessions.get_spares().close()
    children = psutil.Process(os.getpid()).children()
    assert not [
        child for child in children if snowflake.MODULE in " ".join(child.cmdline())
    ]
