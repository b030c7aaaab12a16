"""A customer's Snowflake: one short session a call, with a role made read-only there."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from django.conf import settings
from django.utils import timezone
from typing_extensions import override

from levered_site.errors import InvalidParametersError, NotFoundError
from warehouse.backends import (
    credential_fields,
    deadlines,
    process_sessions,
    snowflake_names,
)
from warehouse.backends.base import MAX_TABLES, Checked
from warehouse.backends.cloud_backend import CloudBackend
from warehouse.backends.cloud_requests import ConnectRequest, RunRequest
from warehouse.backends.credential_fields import FieldPattern
from warehouse.backends.process_sessions import ProcessSession
from warehouse.backends.query_results import Column, StatementResult, Table
from warehouse.sql.shapes import Statement

MODULE = "warehouse.backends.snowflake_process"
CREDENTIAL_FIELDS = (
    *("account", "username", "password", "private_key"),
    *("warehouse", "database", "schema", "role"),
)
# An account's identifier becomes the first labels of a host below snowflakecomputing.com.
ACCOUNT_PATTERN = FieldPattern(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}(\.[A-Za-z0-9][A-Za-z0-9_-]{0,62}){0,3}",
    "an account identifier like myorg-account123",
)
ACCOUNT_ADDRESS = re.compile(
    r"(?i)(?:https://)?([^/]+)\.snowflakecomputing\.(?:com|cn)(?:/.*)?"
)
NAME_PATTERN = FieldPattern(
    r"[^\x00-\x1f\"]{1,255}", "a name of at most 255 characters"
)
PASSWORD_PATTERN = FieldPattern(
    r"[^\x00]{1,1000}", "a text of at most 1,000 characters"
)
# Stored beside the credentials if the schema was made in quotes: its name.
EXACT_SCHEMA = "exact_schema"
GRACE_SECONDS, CATALOG_SECONDS = 5, 30
MAX_COLUMNS, MAX_CATALOG_BYTES = 10_000, 10_000_000

# The columns of both statements are named like the fields of Table and Column.
SELECT_TABLES = """SELECT table_schema AS "schema", table_name AS "name",
  LOWER(table_type) AS "type", row_count AS "rows"
FROM information_schema.tables
WHERE table_schema <> 'INFORMATION_SCHEMA'
  AND CONTAINS(LOWER(table_schema || '.' || table_name), LOWER(?))
ORDER BY 1, 2
LIMIT 2001"""
SELECT_COLUMNS = """SELECT column_name AS "name", LOWER(data_type) AS "type",
  is_nullable = 'YES' AS "nullable", table_schema AS "schema", table_name AS "table"
FROM information_schema.columns
WHERE table_schema || '.' || table_name IN ({names})
ORDER BY table_schema, table_name, ordinal_position"""
SELECT_SCHEMA = """SELECT schema_name AS "schema"
FROM information_schema.schemata
WHERE schema_name = ?"""
REQUIRED_FIELDS = ("account", "username", "warehouse", "database", "schema", "password")


def validate_credentials(credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Return the credentials to store: with a password or a private key, never both.

    Raises InvalidParametersError on the invalid field.
    """
    credential_fields.refuse_empty(credentials, REQUIRED_FIELDS)
    credential_fields.refuse_unknown_fields(credentials, CREDENTIAL_FIELDS)
    plain = {**credentials, "account": _strip_host(credentials.get("account"))}
    stored = {
        "account": credential_fields.require_text(plain, "account", ACCOUNT_PATTERN)
    }
    names = ["username", "warehouse", "database", "schema"]
    if credentials.get("role"):
        names.append("role")
    for name in names:
        stored[name] = credential_fields.require_text(credentials, name, NAME_PATTERN)
    if bool(credentials.get("password")) == bool(credentials.get("private_key")):
        raise InvalidParametersError.for_field(
            "credentials.password", "give either a password or a private_key"
        )
    if credentials.get("password"):
        password = credential_fields.require_text(
            credentials, "password", PASSWORD_PATTERN
        )
        return stored | {"password": password}
    return stored | {"private_key": credential_fields.require_private_key(credentials)}


def _strip_host(account: object) -> object:
    """Return the account of an address as the browser shows it."""
    if not isinstance(account, str):
        return account
    address = ACCOUNT_ADDRESS.fullmatch(account.strip())
    return address[1] if address else account


def build_backend(
    organization_id: str,
    credentials: Mapping[str, Any],  # as `validate_credentials` returns them
    _project_id: str = "",
    dataset_id: str = "",
) -> "SnowflakeBackend":
    """Return the backend of an organization's account, without connecting."""
    schema = dataset_id or credentials["schema"]
    exact = credentials.get(EXACT_SCHEMA) == schema
    return SnowflakeBackend(
        organization_id,
        dict(credentials),
        schema if exact else snowflake_names.fold_name(schema),
        schema,
    )


@dataclass(frozen=True, slots=True)
class SnowflakeBackend(CloudBackend):
    """Backend of a connected Snowflake."""

    dialect: ClassVar[str] = "snowflake"

    organization_id: str
    valid_credentials: Mapping[str, Any] = field(repr=False)
    schema: str | None = None
    named_schema: str = ""  # as the customer wrote it

    @override
    def run(
        self, statement: Statement, seconds: int, max_rows: int, max_bytes: int
    ) -> StatementResult:
        """Run one statement; the server binds its parameters."""
        with self._open_session(seconds) as session:
            request = RunRequest(
                statement.text,
                statement.parameters,
                round(session.seconds),
                max_rows,
                max_bytes,
            )
            return session.collect(request, session.seconds + 2 * GRACE_SECONDS)

    @override
    def tables(self, search: str = "") -> list[Table]:
        """Return what the role may read in the database."""
        tables = Statement(SELECT_TABLES, (search,))
        result = self.run(tables, CATALOG_SECONDS, MAX_TABLES + 1, MAX_CATALOG_BYTES)
        return [Table(**record) for record in result.build_records()]

    @override
    def columns(self, table: str) -> list[Column]:
        """Return a table's columns; the schema defaults to the connection's.

        A table of exactly this name comes first, one of its name in capitals second.
        """
        spellings = snowflake_names.list_spellings(
            table, self.schema or "", self.valid_credentials["database"]
        )
        text = SELECT_COLUMNS.format(names=", ".join("?" * len(spellings)))
        columns = Statement(text, tuple(map(".".join, spellings)))
        result = self.run(columns, CATALOG_SECONDS, MAX_COLUMNS, MAX_CATALOG_BYTES)
        tables: dict[tuple[str, str], list[Column]] = {}
        for record in result.build_records():
            column = Column(record["name"], record["type"], record["nullable"])
            tables.setdefault((record["schema"], record["table"]), []).append(column)
        for spelling in spellings:
            if spelling in tables:
                return tables[spelling]
        raise NotFoundError(f"There is no table {table}.")

    @override
    def find_names(self) -> dict[str, str]:
        """Return the schema if it was made in quotes, exactly as the customer names it."""
        statement = Statement(SELECT_SCHEMA, (self.named_schema,))
        if (
            self.named_schema == self.schema
            or not self.run(statement, CATALOG_SECONDS, 10, MAX_CATALOG_BYTES).rows
        ):
            return {}
        return {EXACT_SCHEMA: self.named_schema}

    @override
    def _normalize_column(self, name: str) -> str:
        return snowflake_names.fold_name(name)

    @override
    def _list_columns(self, checked: Checked) -> tuple[str, ...]:
        """Ask for the columns of `SELECT *`: only they tell which were made in quotes."""
        if checked.query.columns is not None:
            return checked.query.columns
        return self._run_named_sample(checked.query, timezone.now(), 0).columns

    @property
    def host(self) -> str:
        """The host of the account, without a port."""
        if settings.SNOWFLAKE_ENDPOINT:
            return urlsplit(settings.SNOWFLAKE_ENDPOINT).hostname or ""
        return f"{self.valid_credentials['account']}.snowflakecomputing.com"

    @contextmanager
    def _open_session(self, seconds: float) -> Iterator[ProcessSession]:
        """Log in, from a process of its own; the session ends in time."""
        seconds = max(1.0, deadlines.limit_seconds(seconds))
        secrets = [
            self.valid_credentials.get("password"),
            self.valid_credentials.get("private_key"),
        ]
        arguments = self.build_connect_arguments(round(seconds))
        with process_sessions.open_session(
            MODULE, self.host, seconds, secrets
        ) as session:
            login = ConnectRequest(arguments)
            list(session.call(login, settings.WAREHOUSE_CONNECT_SECONDS))
            yield session

    def build_connect_arguments(self, seconds: int) -> dict[str, Any]:
        """Return the client's arguments for a session whose statements take `seconds`."""
        credentials = self.valid_credentials
        secret = (
            {"private_key": _convert_key_to_der(credentials["private_key"])}
            if "private_key" in credentials
            else {"password": credentials["password"]}
        )
        role = {"role": credentials["role"]} if "role" in credentials else {}
        return {
            "account": credentials["account"],
            "user": credentials["username"],
            "warehouse": credentials["warehouse"],
            "database": credentials["database"],
            "schema": credentials["schema"],
            **secret,
            **role,
            "paramstyle": "qmark",  # the server binds parameters, the text holds none
            "login_timeout": settings.WAREHOUSE_CONNECT_SECONDS,
            # Beyond it the client cancels the statement itself.
            "network_timeout": seconds + GRACE_SECONDS,
            **_build_endpoint_arguments(),
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


def _build_endpoint_arguments() -> dict[str, Any]:
    """Return what replaces the host of the account, if a setting does."""
    endpoint = urlsplit(settings.SNOWFLAKE_ENDPOINT)
    if not endpoint.hostname:
        return {}
    port = endpoint.port or (80 if endpoint.scheme == "http" else 443)
    return {"host": endpoint.hostname, "port": port, "protocol": endpoint.scheme}


def _convert_key_to_der(pem: str) -> bytes:
    return credential_fields.load_private_key(pem).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
