"""Connections to a customer's Postgres: addresses, TLS, credentials, time limits."""

import socket
import ssl
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from django.test import override_settings
from django.utils import timezone

from levered_site.errors import (
    InvalidParametersError,
    WarehouseError,
)
from tests.support.running_service import crowding
from tests.support.second_postgres import PASSWORD, SecondServer
from warehouse.backends import postgres, postgres_connections, postgres_process
from warehouse.backends.postgres import PostgresBackend

pytestmark = pytest.mark.usefixtures("private_allowed")


def build_backend(credentials: dict[str, Any]) -> PostgresBackend:
    """Return the backend for credentials that a customer sends."""
    return postgres.build_backend("org_a", postgres.validate_credentials(credentials))


def test_a_wrong_password_is_refused_and_not_repeated(
    second_postgres: SecondServer,
) -> None:
    credentials = postgres.validate_credentials(
        second_postgres.credentials | {"password": "wr0ng-one"}
    )
    acme = postgres.build_backend("org_a", credentials)

    with pytest.raises(
        WarehouseError, match="password authentication failed"
    ) as failed:
        acme.test()

    assert "wr0ng-one" not in failed.value.message
    assert "wr0ng-one" not in repr(acme)


def test_a_server_without_tls_is_refused_if_tls_is_required(
    second_postgres: SecondServer,
) -> None:
    for mode in ("require", "verify-full"):
        credentials = second_postgres.credentials | {"sslmode": mode}
        with pytest.raises(WarehouseError, match="SSL"):
            build_backend(credentials).test()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "/var/run/postgresql"),
        ("host", "@abstract"),
        ("host", "a,b"),
        ("host", "a b"),
        ("host", "host=x"),
        ("host", "user@host"),
        ("host", "example.com:5432"),
        ("host", ""),
        ("host", None),
        ("host", "a" * 254),
        ("port", "5432"),
        ("port", 0),
        ("port", 65536),
        ("port", True),
        ("database", "dbname=x host=y"),
        ("database", "postgresql://x/y"),
        ("database", ""),
        ("username", "a=b"),
        ("password", 7),
        ("password", "a\x00b"),
        ("sslmode", "sometimes"),
        ("service", "other"),
        ("options", "-c role=x"),
        ("hostaddr", "127.0.0.1"),
        ("passfile", "/etc/passwd"),
        ("sslrootcert", "/etc/passwd"),
    ],
)
def test_credentials_with_more_than_plain_values_are_refused(
    second_postgres: SecondServer, field: str, value: object
) -> None:
    with pytest.raises(InvalidParametersError) as refused:
        postgres.validate_credentials(second_postgres.credentials | {field: value})

    assert refused.value.details[0].field == f"credentials.{field}"


def test_without_the_setting_private_hosts_and_plain_text_are_refused(
    second_postgres: SecondServer,
) -> None:
    with override_settings(WAREHOUSE_ALLOW_PRIVATE=False):
        with pytest.raises(InvalidParametersError, match="sslmode"):
            postgres.validate_credentials(second_postgres.credentials)
        credentials = second_postgres.credentials | {"sslmode": "require"}
        with pytest.raises(WarehouseError, match="public"):
            build_backend(credentials).test()


def test_a_connection_goes_to_the_address_that_was_checked(
    second_postgres: SecondServer,
) -> None:
    credentials = second_postgres.credentials | {"host": "localhost"}
    server = build_backend(credentials).server

    request = postgres_connections.build_request(server, 10, {})
    with psycopg.connect(**postgres_process.resolve_arguments(request)) as connection:
        info = connection.info

        assert (info.host, info.hostaddr) in {
            ("localhost", "127.0.0.1"),
            ("localhost", "::1"),
        }


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("verify-full", "certificate verify failed"),
        ("require", "unexpected eof|closed the connection"),
    ],
)
def test_the_certificate_is_verified_if_the_mode_requires_it(
    tmp_path: Path, mode: str, reason: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_write_self_signed_certificate(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_shake_hands, args=(listener, context))
        thread.start()
        credentials = {
            "host": "localhost",
            "port": listener.getsockname()[1],
            "database": "x",
            "username": "x",
            "password": PASSWORD,
            "sslmode": mode,
        }

        with pytest.raises(WarehouseError, match=reason):
            build_backend(credentials).test()
        listener.shutdown(socket.SHUT_RDWR)  # ends the thread's wait for a client
    thread.join()


def _write_self_signed_certificate(folder: Path) -> Path:
    """Write a certificate and its key to one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = timezone.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = folder / "certificate.pem"
    file.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
    return file


def _shake_hands(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Start TLS as Postgres does for each client, then close the connection."""
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            with client, suppress(OSError):
                client.recv(8)
                client.sendall(b"S")
                context.wrap_socket(client, server_side=True).close()


def test_connecting_to_a_server_that_never_answers_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        credentials = {
            "host": "127.0.0.1",
            "port": port,
            "database": "x",
            "username": "x",
            "password": PASSWORD,
            "sslmode": "disable",
        }
        started = time.monotonic()

        with pytest.raises(WarehouseError, match="timeout") as failed:
            build_backend(credentials).test()

    assert time.monotonic() - started < 15 * crowding()
    assert PASSWORD not in failed.value.message


def test_a_connection_whose_server_stops_answering_is_shut_down(
    second_postgres: SecondServer,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(
            target=_forward_then_fall_silent, args=(listener, second_postgres.port)
        )
        thread.start()
        credentials = second_postgres.credentials | {"port": listener.getsockname()[1]}
        server = build_backend(credentials).server
        started = time.monotonic()

        with (
            pytest.raises(WarehouseError),
            postgres_connections.open_session(server, 1, {}) as session,
        ):
            session.fetch_rows("SELECT 'fall silent', $1::integer", (1,))

    thread.join(5)
    assert 5 < time.monotonic() - started < 20 * crowding()


def _forward_then_fall_silent(listener: socket.socket, port: int) -> None:
    """Forward both ways until `fall silent` passes; then keep the connections open."""
    client, _ = listener.accept()
    listener.settimeout(0.1)
    is_silent = False
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        client.settimeout(0.05)
        server.settimeout(0.05)
        until = time.monotonic() + 18
        while time.monotonic() < until:
            for sender, receiver in ((client, server), (server, client)):
                try:
                    data = sender.recv(65536)
                except TimeoutError:
                    continue
                except OSError:
                    return
                if not data:
                    return
                is_silent = is_silent or b"fall silent" in data
                if not is_silent:
                    receiver.sendall(data)
