"""A customer's Snowflake: one short session a call, as a role that he made read only."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import snowflake.connector
from cryptography.hazmat.primitives import serialization
from snowflake.connector import errors
from snowflake.connector.constants import FIELD_ID_TO_NAME

from levered_site.errors import InvalidParametersError, NotFoundError, WarehouseError
from warehouse.backends import engine, fields
from warehouse.backends.answers import Column, Table
from warehouse.backends.asking import hidden
from warehouse.backends.base import QueryFailedError
from warehouse.backends.engine import Engine, Ran
from warehouse.backends.fields import Kind
from warehouse.sql.shapes import Statement

FIELDS = (
    *("account", "username", "password", "private_key"),
    *("warehouse", "database", "schema", "role"),
)
# An account's identifier becomes the first labels of a host below snowflakecomputing.com.
ACCOUNT = Kind(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}(\.[A-Za-z0-9][A-Za-z0-9_-]{0,62}){0,3}",
    "an account identifier like myorg-account123",
)
NAME = Kind(r"[^\x00-\x1f\"]{1,255}", "a name of at most 255 characters")
PASSWORD = Kind(r"[^\x00]{1,1000}", "a text of at most 1,000 characters")
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
CONNECT_SECONDS, GRACE_SECONDS = 15, 10

TABLES = """SELECT table_schema, table_name, LOWER(table_type), row_count
FROM information_schema.tables
WHERE table_schema <> 'INFORMATION_SCHEMA'
ORDER BY 1, 2
LIMIT 2000"""
COLUMNS = """SELECT column_name, LOWER(data_type), is_nullable = 'YES'
FROM information_schema.columns
WHERE table_schema = ? AND table_name = ?
ORDER BY ordinal_position"""


def credentials(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check what was sent: a password or a private key (PEM), never both.

    Raises InvalidParametersError by field.
    """
    fields.only(given, FIELDS)
    known = {"account": fields.text(given, "account", ACCOUNT)}
    for name in ("username", "warehouse", "database", "schema"):
        known[name] = fields.text(given, name, NAME)
    if given.get("role"):
        known["role"] = fields.text(given, "role", NAME)
    if bool(given.get("password")) == bool(given.get("private_key")):
        raise InvalidParametersError.of(
            "credentials.password", "give either a password or a private_key"
        )
    if given.get("password"):
        return known | {"password": fields.text(given, "password", PASSWORD)}
    key = fields.text(given, "private_key", fields.KEY)
    _der(key)
    return known | {"private_key": key}


def of(
    organization_id: str,
    credentials: Mapping[str, Any],  # as `credentials` returned them
    _project_id: str = "",
    dataset_id: str = "",
) -> "Snowflake":
    """Describe an organization's account; nothing is opened yet."""
    schema = dataset_id or credentials["schema"]
    return Snowflake(organization_id, dict(credentials), _cased(schema))


@dataclass(frozen=True, slots=True)
class Snowflake(Engine):
    """Backend of a connected Snowflake; see base.Backend."""

    organization_id: str
    known: Mapping[str, Any] = field(repr=False)
    schema: str | None = None
    dialect: str = "snowflake"

    def run(self, statement: Statement, seconds: int, most: int, size: int) -> Ran:
        """Run one statement with its values bound by the server."""
        with self._session(seconds) as cursor:
            cursor.execute(statement.text, statement.parameters)
            described = cursor.description or ()
            rows = engine.within(_fetched(cursor), most, size)
        zoneless = frozenset(
            one.name
            for one in described
            if FIELD_ID_TO_NAME.get(one.type_code) in {"TIMESTAMP_NTZ", "DATE"}
        )
        return Ran(tuple(one.name for one in described), rows, zoneless)

    def column(self, name: str, known: Sequence[str] | None) -> str:
        """Spell a plain name in capitals, as Snowflake does, unless it was quoted."""
        return name if name in (known or ()) else _cased(name)

    def tables(self) -> list[Table]:
        """Name what the role may read in the database."""
        found = self.run(Statement(TABLES, ()), 30, 2000, 10_000_000)
        return [Table(*row) for row in found.rows]

    def columns(self, table: str) -> list[Column]:
        """Describe a table, with its schema or in the connection's."""
        schema, _, name = table.rpartition(".")
        wanted = (_cased(schema) if schema else self.schema, _cased(name))
        found = self.run(Statement(COLUMNS, wanted), 30, 10_000, 10_000_000)
        if not found.rows:
            raise NotFoundError(f"There is no table {table}.")
        return [Column(*row) for row in found.rows]

    @contextmanager
    def _session(self, seconds: int) -> Iterator[Any]:
        """Lend a cursor of a session of its own, which ends in time."""
        with self._translated():
            connection = snowflake.connector.connect(**self._arguments(seconds))
            try:
                yield connection.cursor()
            finally:
                connection.close()

    def _arguments(self, seconds: int) -> dict[str, Any]:
        secret = (
            {"private_key": _der(self.known["private_key"])}
            if "private_key" in self.known
            else {"password": self.known["password"]}
        )
        role = {"role": self.known["role"]} if "role" in self.known else {}
        return {
            "account": self.known["account"],
            "user": self.known["username"],
            "warehouse": self.known["warehouse"],
            "database": self.known["database"],
            "schema": self.known["schema"],
            **secret,
            **role,
            "paramstyle": "qmark",  # values go beside the text, never into it
            "login_timeout": CONNECT_SECONDS,
            "network_timeout": seconds + GRACE_SECONDS,
            "client_session_keep_alive": False,
            "session_parameters": {
                "QUERY_TAG": "levered",
                "TIMEZONE": "UTC",
                "STATEMENT_TIMEOUT_IN_SECONDS": seconds,
                "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS": seconds,
                "ABORT_DETACHED_QUERY": True,
                "MULTI_STATEMENT_COUNT": 1,
            },
        }

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the client's errors into ours, without what must not be seen."""
        try:
            yield
        except errors.ProgrammingError as error:
            raise QueryFailedError(self._words(error)) from error
        except (errors.Error, OSError) as error:
            raise WarehouseError(self._words(error)) from error

    def _words(self, error: Exception) -> str:
        said = getattr(error, "raw_msg", None) or str(error)
        secrets = [self.known.get("password"), self.known.get("private_key")]
        return hidden(said.strip(), secrets)[:2000]


def _fetched(cursor: Any) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(500):
        yield from rows


def _cased(name: str) -> str:
    """Spell a name as Snowflake keeps it: without quotes, plain ones are capitals."""
    return name.upper() if PLAIN.fullmatch(name) else name


def _der(key: str) -> bytes:
    """Read a private key of PEM; raises InvalidParametersError, without the key."""
    try:
        loaded = serialization.load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise InvalidParametersError.of(
            "credentials.private_key", "must be an unencrypted private key in PEM"
        ) from error
    return loaded.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
