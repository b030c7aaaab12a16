"""A connected Postgres read as its reader: fenced in by us, by the transaction, by its role."""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

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
    NotFoundError,
    WarehouseError,
)
from tests.warehouse.backends.test_managed import ATTACKS
from tests.warehouse.second import PASSWORD, Second
from warehouse.backends import addresses, postgres, postgres_connections
from warehouse.backends.base import QueryFailedError
from warehouse.backends.postgres import Postgres

# Beyond those of the managed store: what a customer's own server has to lose.
MORE = [
    "SELECT * FROM public.secrets",
    "UPDATE public.shown SET version = '1'",
    "DELETE FROM public.bought",
    "TRUNCATE public.bought",
    "DROP TABLE public.bought",
    "INSERT INTO public.bought VALUES ('x')",
    "COMMIT; DELETE FROM public.bought",
    "SET TRANSACTION READ WRITE; DELETE FROM public.bought",
    "SET ROLE levered",
    "SET SESSION AUTHORIZATION levered",
    "ALTER ROLE reader SUPERUSER",
    "CREATE ROLE other SUPERUSER",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TEMP TABLE x (a int)",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/levered-attack')",
    "COPY public.bought TO PROGRAM 'id'",
    "ALTER SYSTEM SET log_statement = 'all'",
    "VACUUM public.bought",
    "SELECT nextval('x')",
    "LOCK TABLE public.bought IN ACCESS EXCLUSIVE MODE",
]
# Read-only and its own: what the parser alone refuses.
REFUSED = [
    "SELECT * FROM pg_catalog.pg_class",
    "SELECT * FROM pg_toast.pg_toast_1",
    "SELECT * FROM information_schema.tables",
    'SELECT * FROM "PG_CATALOG".pg_class',
    "SELECT * FROM other.public.bought",
    "SELECT * FROM generate_series(1, 10)",
    "SELECT pg_sleep(60)",
    "SELECT set_config('role', 'levered', true)",
    "SELECT query_to_xml('SELECT 1', true, true, '')",
    "SELECT dblink('host=169.254.169.254', 'SELECT 1')",
    "SELECT * FROM public.bought FOR UPDATE",
    "SELECT * FROM public.bought TABLESAMPLE SYSTEM (1)",
    "SELECT 1; SELECT 2",
    "TABLE public.bought",
    "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT 1 FROM x) SELECT * FROM x",
    "WITH levered_rows AS (SELECT 1) SELECT * FROM levered_rows",
    "SELECT 'pg_class'::regclass",
    "SELECT $1",
]


@pytest.fixture(autouse=True)
def _allowed() -> Iterator[None]:
    with override_settings(WAREHOUSE_ALLOW_PRIVATE=True):
        yield


@pytest.fixture
def acme(second_postgres: Second) -> Postgres:
    """The second server as a backend."""
    return postgres.of("org_a", postgres.credentials(second_postgres.credentials))


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_not_a_select_of_own_tables_is_refused(
    acme: Postgres, sql: str
) -> None:
    with pytest.raises(InvalidParametersError) as refused:
        acme.query(sql, 1)

    assert refused.value.details[0].field == "sql"


def test_below_the_parser_session_and_role_hold(
    acme: Postgres, second_postgres: Second
) -> None:
    with second_postgres.owner() as owner:
        owner.execute("TRUNCATE public.bought")
        owner.execute("INSERT INTO public.bought VALUES ('kept', now(), 1, 'x')")

    passed = [sql for sql in ATTACKS + MORE if not _is_stopped(acme, sql)]

    assert passed == []
    with second_postgres.owner() as owner:
        assert owner.execute("SELECT count(*) FROM public.bought").fetchone() == (1,)


def _is_stopped(acme: Postgres, sql: str) -> bool:
    """Run an attack both ways in which a query is run; by the extended protocol."""
    try:
        with acme._session(5) as session:
            session.cursor(sql, (1,), 10)
    except (QueryFailedError, WarehouseError):
        pass
    else:
        return False
    try:
        with acme._session(5) as session:
            psycopg.RawCursor(session.connection).execute(sql, binary=True)
    except (QueryFailedError, WarehouseError):
        return True
    return False


def test_same_attacks_without_our_session_meet_the_role(
    second_postgres: Second,
) -> None:
    with second_postgres.owner() as owner:
        owner.execute("TRUNCATE public.bought")
        owner.execute("INSERT INTO public.bought VALUES ('kept', now(), 1, 'x')")
    known = second_postgres.credentials

    for sql in MORE:
        with (
            psycopg.connect(
                host=known["host"],
                port=known["port"],
                dbname=known["database"],
                user=known["username"],
                password=known["password"],
                autocommit=True,
            ) as connection,
            pytest.raises(psycopg.Error) if _does_harm(sql) else _nothing(),
        ):
            connection.execute(sql)

    with second_postgres.owner() as owner:
        assert owner.execute("SELECT count(*) FROM public.bought").fetchone() == (1,)


def _does_harm(sql: str) -> bool:
    """A temporary table and an empty VACUUM are allowed to whoever may connect."""
    return not sql.startswith(("CREATE TEMP", "VACUUM"))


class _nothing:  # noqa: N801 - stands where a context is wanted
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def test_tables_columns_and_queries_are_what_the_role_may_read(acme: Postgres) -> None:
    names = {f"{one.schema}.{one.name}": one.type for one in acme.tables()}

    answer = acme.query('SELECT "user" FROM bought WHERE at < @start_date', 5)

    assert names == {
        "public.bought": "table",
        "public.shown": "table",
        "shop.orders": "view",
    }
    assert [one.name for one in acme.columns("bought")][:2] == ["user", "at"]
    assert (answer.columns, answer.truncated) == (("user",), False)
    for table in ("secrets", "pg_catalog.pg_class", "nope"):
        with pytest.raises(NotFoundError):
            acme.columns(table)
    with pytest.raises(QueryFailedError, match="permission denied for table secrets"):
        acme.query("SELECT * FROM secrets", 1)


def test_table_called_like_a_part_of_our_statement_is_the_customers(
    acme: Postgres, second_postgres: Second
) -> None:
    with second_postgres.owner() as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS public.users AS SELECT 'mine' AS a")
        owner.execute("GRANT SELECT ON public.users TO reader")

    answer = acme.query("SELECT * FROM users", 5)

    with second_postgres.owner() as owner:
        owner.execute("DROP TABLE public.users")
    assert answer.rows == (("mine",),)


def test_rows_and_bytes_are_limited(acme: Postgres) -> None:
    many = " UNION ALL ".join(["SELECT 1 AS a"] * 7)
    doubled = "'x'"
    for _ in range(9):
        doubled = (
            f"replace({doubled}, 'x', 'xxxxxxxx')" if len(doubled) < 150 else doubled
        )

    three, seven = acme.query(many, 3), acme.query(many, 7)

    assert (len(three.rows), three.truncated) == (3, True)
    assert (len(seven.rows), seven.truncated) == (7, False)
    with (
        override_settings(QUERY_ANSWER_BYTES=10_000),
        pytest.raises(QueryFailedError, match="larger than 10,000 bytes"),
    ):
        acme.query(f"SELECT {doubled}", 1)


def test_query_that_takes_too_long_is_stopped(acme: Postgres) -> None:
    tens = "(SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1) AS t"
    many = [f"{tens}{index}" for index in range(20)]
    sql = " CROSS JOIN ".join(["SELECT count(*) FROM (SELECT 1) AS t", *many])

    with (
        override_settings(QUERY_TIMEOUT_SECONDS=1),
        pytest.raises(QueryFailedError, match="longer than 1 s"),
    ):
        acme.query(sql, 1)


def test_nobody_gets_in_with_another_password_nor_learns_ours(
    second_postgres: Second,
) -> None:
    known = postgres.credentials(
        second_postgres.credentials | {"password": "wr0ng-one"}
    )
    acme = postgres.of("org_a", known)

    with pytest.raises(
        WarehouseError, match="password authentication failed"
    ) as failed:
        acme.test()

    assert "wr0ng-one" not in failed.value.message
    assert "wr0ng-one" not in repr(acme)


def test_server_without_tls_is_refused_where_tls_is_required(
    second_postgres: Second,
) -> None:
    for mode in ("require", "verify-full"):
        given = second_postgres.credentials | {"sslmode": mode}
        with pytest.raises(WarehouseError, match="SSL"):
            postgres.of("org_a", postgres.credentials(given)).test()


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
def test_credentials_hold_nothing_that_libpq_reads_on(
    second_postgres: Second, field: str, value: object
) -> None:
    with pytest.raises(InvalidParametersError) as refused:
        postgres.credentials(second_postgres.credentials | {field: value})

    assert refused.value.details[0].field == f"credentials.{field}"


PRIVATE = [
    "0.0.0.0",  # noqa: S104 - judged, not bound to
    *("127.0.0.1", "127.8.9.1", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:8.8.8.8"),
    *("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::7f00:1"),
    *("198.18.0.1", "192.0.2.1", "2001:db8::1", "2001:0:7f00:1::"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_inside_are_refused(address: str) -> None:
    assert not addresses.is_public(ipaddress.ip_address(address))
    with (
        override_settings(WAREHOUSE_ALLOW_PRIVATE=False),
        pytest.raises(WarehouseError, match="public"),
    ):
        addresses.resolve(address, 5432)


@pytest.mark.parametrize("name", ["localhost", "2130706433", "0x7f.1", "127.1"])
def test_names_of_addresses_inside_are_refused(name: str) -> None:
    with (
        override_settings(WAREHOUSE_ALLOW_PRIVATE=False),
        pytest.raises(WarehouseError, match=r"public|found"),
    ):
        addresses.resolve(name, 5432)


def test_public_addresses_are_allowed() -> None:
    for address in ("8.8.8.8", "2606:4700:4700::1111"):
        assert addresses.is_public(ipaddress.ip_address(address))


def test_without_the_setting_nothing_inside_is_reached_nor_spoken_to_in_the_clear(
    second_postgres: Second,
) -> None:
    with override_settings(WAREHOUSE_ALLOW_PRIVATE=False):
        with pytest.raises(InvalidParametersError, match="sslmode"):
            postgres.credentials(second_postgres.credentials)
        known = postgres.credentials(
            second_postgres.credentials | {"sslmode": "require"}
        )
        with pytest.raises(WarehouseError, match="public"):
            postgres.of("org_a", known).test()


def test_connection_goes_to_the_address_that_was_judged(
    second_postgres: Second,
) -> None:
    known = postgres.credentials(second_postgres.credentials | {"host": "localhost"})
    server = replace(postgres.of("org_a", known).server)

    with postgres_connections.connect(server) as connection:
        there = connection.info

        assert (there.host, there.hostaddr) in {
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
def test_certificate_is_looked_at_where_that_is_asked_for(
    tmp_path: Path, mode: str, reason: str
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_own_certificate(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_shake_hands, args=(listener, context))
        thread.start()
        given = {
            "host": "localhost",
            "port": listener.getsockname()[1],
            "database": "x",
            "username": "x",
            "password": PASSWORD,
            "sslmode": mode,
        }

        with pytest.raises(WarehouseError, match=reason):
            postgres.of("org_a", postgres.credentials(given)).test()
    thread.join(5)


def _own_certificate(folder: Path) -> Path:
    """Make one that nobody vouches for, with its key, in one file."""
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
    """Agree to TLS as Postgres does, for whoever comes; then hang up."""
    listener.settimeout(3)
    with suppress(TimeoutError, OSError):
        while True:
            line, _ = listener.accept()
            with line, suppress(OSError):
                line.recv(8)
                line.sendall(b"S")
                context.wrap_socket(line, server_side=True).close()


def test_server_that_accepts_and_says_nothing_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        given = {"host": "127.0.0.1", "port": port, "database": "x", "username": "x"}
        known = postgres.credentials(
            given | {"password": PASSWORD, "sslmode": "disable"}
        )
        began = time.monotonic()

        with pytest.raises(WarehouseError, match="timeout") as failed:
            postgres.of("org_a", known).test()

    assert time.monotonic() - began < 15
    assert PASSWORD not in failed.value.message


def test_server_that_goes_silent_in_a_query_is_hung_up_on(
    second_postgres: Second,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(
            target=_pass_on_then_fall_silent, args=(listener, second_postgres.port)
        )
        thread.start()
        given = second_postgres.credentials | {"port": listener.getsockname()[1]}
        server = postgres.of("org_a", postgres.credentials(given)).server
        began = time.monotonic()

        with (
            pytest.raises(WarehouseError),
            postgres_connections.reading(server, 1, {}) as session,
        ):
            session.rows("SELECT 'fall silent', $1::integer", (1,))

    thread.join(5)
    assert 5 < time.monotonic() - began < 20


def _pass_on_then_fall_silent(listener: socket.socket, port: int) -> None:
    """Stand between; when the word is heard, keep the line open and say nothing."""
    line, _ = listener.accept()
    listener.settimeout(0.1)
    silent = False
    with line, socket.create_connection(("127.0.0.1", port)) as server:
        line.settimeout(0.05)
        server.settimeout(0.05)
        until = time.monotonic() + 18
        while time.monotonic() < until:
            for here, there in ((line, server), (server, line)):
                try:
                    heard = here.recv(65536)
                except TimeoutError:
                    continue
                except OSError:
                    return
                if not heard:
                    return
                silent = silent or b"fall silent" in heard
                if not silent:
                    there.sendall(heard)
