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
from warehouse.backends import cloud_backend, credential_fields
from warehouse.backends.base import QueryFailedError
from warehouse.backends.cloud_backend import CloudBackend, StatementResult
from warehouse.backends.credential_fields import FieldPattern
from warehouse.backends.query_results import Column, Table
from warehouse.backends.query_validation import redact_secrets
from warehouse.sql.shapes import Statement

CREDENTIAL_FIELDS = (
    *("account", "username", "password", "private_key"),
    *("warehouse", "database", "schema", "role"),
)
# An account's identifier becomes the first labels of a host below snowflakecomputing.com.
ACCOUNT_PATTERN = FieldPattern(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}(\.[A-Za-z0-9][A-Za-z0-9_-]{0,62}){0,3}",
    "an account identifier like myorg-account123",
)
NAME_PATTERN = FieldPattern(
    r"[^\x00-\x1f\"]{1,255}", "a name of at most 255 characters"
)
PASSWORD_PATTERN = FieldPattern(
    r"[^\x00]{1,1000}", "a text of at most 1,000 characters"
)
UNQUOTED_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
CONNECT_SECONDS, GRACE_SECONDS = 15, 10

SELECT_TABLES = """SELECT table_schema, table_name, LOWER(table_type), row_count
FROM information_schema.tables
WHERE table_schema <> 'INFORMATION_SCHEMA'
ORDER BY 1, 2
LIMIT 2000"""
SELECT_COLUMNS = """SELECT column_name, LOWER(data_type), is_nullable = 'YES'
FROM information_schema.columns
WHERE table_schema = ? AND table_name = ?
ORDER BY ordinal_position"""


def validate_credentials(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check what was sent: a password or a private key (PEM), never both.

    Raises InvalidParametersError by field.
    """
    credential_fields.refuse_unknown_fields(given, CREDENTIAL_FIELDS)
    known = {
        "account": credential_fields.require_text(given, "account", ACCOUNT_PATTERN)
    }
    for name in ("username", "warehouse", "database", "schema"):
        known[name] = credential_fields.require_text(given, name, NAME_PATTERN)
    if given.get("role"):
        known["role"] = credential_fields.require_text(given, "role", NAME_PATTERN)
    if bool(given.get("password")) == bool(given.get("private_key")):
        raise InvalidParametersError.for_field(
            "credentials.password", "give either a password or a private_key"
        )
    if given.get("password"):
        return known | {
            "password": credential_fields.require_text(
                given, "password", PASSWORD_PATTERN
            )
        }
    key = credential_fields.require_text(
        given, "private_key", credential_fields.PRIVATE_KEY_PATTERN
    )
    _decode_private_key(key)
    return known | {"private_key": key}


def build_backend(
    organization_id: str,
    credentials: Mapping[str, Any],  # as `credentials` returned them
    _project_id: str = "",
    dataset_id: str = "",
) -> "SnowflakeBackend":
    """Describe an organization's account; nothing is opened yet."""
    schema = dataset_id or credentials["schema"]
    return SnowflakeBackend(organization_id, dict(credentials), _normalize_case(schema))


@dataclass(frozen=True, slots=True)
class SnowflakeBackend(CloudBackend):
    """Backend of a connected Snowflake; see base.Backend."""

    organization_id: str
    valid_credentials: Mapping[str, Any] = field(repr=False)
    schema: str | None = None
    dialect: str = "snowflake"

    def run(
        self, statement: Statement, seconds: int, most: int, size: int
    ) -> StatementResult:
        """Run one statement with its values bound by the server."""
        with self._open_session(seconds) as cursor:
            cursor.execute(statement.text, statement.parameters)
            described = cursor.description or ()
            rows = cloud_backend.collect_rows(_fetch_rows(cursor), most, size)
        zoneless = frozenset(
            one.name
            for one in described
            if FIELD_ID_TO_NAME.get(one.type_code) in {"TIMESTAMP_NTZ", "DATE"}
        )
        return StatementResult(tuple(one.name for one in described), rows, zoneless)

    def spell_column(self, name: str, known: Sequence[str] | None) -> str:
        """Spell a plain name in capitals, as Snowflake does, unless it was quoted."""
        return name if name in (known or ()) else _normalize_case(name)

    def tables(self) -> list[Table]:
        """Name what the role may read in the database."""
        found = self.run(Statement(SELECT_TABLES, ()), 30, 2000, 10_000_000)
        return [Table(*row) for row in found.rows]

    def columns(self, table: str) -> list[Column]:
        """Describe a table, with its schema or in the connection's."""
        schema, _, name = table.rpartition(".")
        wanted = (
            _normalize_case(schema) if schema else self.schema,
            _normalize_case(name),
        )
        found = self.run(Statement(SELECT_COLUMNS, wanted), 30, 10_000, 10_000_000)
        if not found.rows:
            raise NotFoundError(f"There is no table {table}.")
        return [Column(*row) for row in found.rows]

    @contextmanager
    def _open_session(self, seconds: int) -> Iterator[Any]:
        """Lend a cursor of a session of its own, which ends in time."""
        with self._translate_errors():
            connection = snowflake.connector.connect(
                **self._build_connect_arguments(seconds)
            )
            try:
                yield connection.cursor()
            finally:
                connection.close()

    def _build_connect_arguments(self, seconds: int) -> dict[str, Any]:
        secret = (
            {"private_key": _decode_private_key(self.valid_credentials["private_key"])}
            if "private_key" in self.valid_credentials
            else {"password": self.valid_credentials["password"]}
        )
        role = (
            {"role": self.valid_credentials["role"]}
            if "role" in self.valid_credentials
            else {}
        )
        return {
            "account": self.valid_credentials["account"],
            "user": self.valid_credentials["username"],
            "warehouse": self.valid_credentials["warehouse"],
            "database": self.valid_credentials["database"],
            "schema": self.valid_credentials["schema"],
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
    def _translate_errors(self) -> Iterator[None]:
        """Turn the client's errors into ours, without what must not be seen."""
        try:
            yield
        except errors.ProgrammingError as error:
            raise QueryFailedError(self._describe_error(error)) from error
        except (errors.Error, OSError) as error:
            raise WarehouseError(self._describe_error(error)) from error

    def _describe_error(self, error: Exception) -> str:
        said = getattr(error, "raw_msg", None) or str(error)
        secrets = [
            self.valid_credentials.get("password"),
            self.valid_credentials.get("private_key"),
        ]
        return redact_secrets(said.strip(), secrets)[:2000]


def _fetch_rows(cursor: Any) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(500):
        yield from rows


def _normalize_case(name: str) -> str:
    """Spell a name as Snowflake keeps it: without quotes, plain ones are capitals."""
    return name.upper() if UNQUOTED_NAME.fullmatch(name) else name


def _decode_private_key(key: str) -> bytes:
    """Read a private key of PEM; raises InvalidParametersError, without the key."""
    try:
        loaded = serialization.load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise InvalidParametersError.for_field(
            "credentials.private_key", "must be an unencrypted private key in PEM"
        ) from error
    return loaded.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
