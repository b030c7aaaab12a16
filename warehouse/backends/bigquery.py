"""A customer's BigQuery: each query is priced before it runs, and may cost no more."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from google.api_core import exceptions as google_errors
from google.auth import exceptions as auth_errors
from google.cloud import bigquery
from google.oauth2 import service_account

from levered_site.errors import InvalidParametersError, NotFoundError, WarehouseError
from warehouse.backends import budget, engine, fields
from warehouse.backends.answers import Column, Table
from warehouse.backends.asking import hidden
from warehouse.backends.base import QueryFailedError
from warehouse.backends.engine import Engine, Ran
from warehouse.backends.fields import Kind
from warehouse.sql.shapes import Statement

# What a key file holds besides is not read: above all not where it would have us ask
# for tokens.
FIELDS = ("type", "project_id", "private_key", "client_email", "location")
IGNORED = (
    *("private_key_id", "client_id", "auth_uri", "token_uri", "universe_domain"),
    *("auth_provider_x509_cert_url", "client_x509_cert_url"),
)
TOKENS = "https://oauth2.googleapis.com/token"
SCOPES = ("https://www.googleapis.com/auth/bigquery",)
PROJECT = Kind(r"[a-z0-9.:-]{1,100}", "a project's id like my-project-123")
EMAIL = Kind(r"[^\s@]+@[a-z0-9.-]+", "the service account's e-mail address")
LOCATION = Kind(r"[A-Za-z0-9-]{1,40}", "a location like EU or us-east1")
DATASET = r"\w{1,1024}"
KINDS = {bool: "BOOL", int: "INT64", float: "FLOAT64", str: "STRING"}
ZONELESS = {"DATETIME", "DATE"}


def credentials(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check a service account's key; raises InvalidParametersError by field."""
    fields.only(given, FIELDS + IGNORED)
    if given.get("type") != "service_account":
        raise InvalidParametersError.of("credentials.type", "must be service_account")
    key = fields.text(given, "private_key", fields.KEY)
    try:
        serialization.load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise InvalidParametersError.of(
            "credentials.private_key", "must be an unencrypted private key in PEM"
        ) from error
    known = {
        "type": "service_account",
        "project_id": fields.text(given, "project_id", PROJECT),
        "private_key": key,
        "client_email": fields.text(given, "client_email", EMAIL),
    }
    if given.get("location"):
        known["location"] = fields.text(given, "location", LOCATION)
    return known


def of(
    organization_id: str,
    credentials: Mapping[str, Any],  # as `credentials` returned them
    project_id: str = "",
    dataset_id: str = "",
) -> "BigQuery":
    """Describe an organization's project; nothing is opened yet."""
    project = project_id or credentials["project_id"]
    return BigQuery(organization_id, dict(credentials), project, dataset_id or None)


@dataclass(frozen=True, slots=True)
class BigQuery(Engine):
    """Backend of a connected BigQuery; see base.Backend."""

    organization_id: str
    known: Mapping[str, Any] = field(repr=False)
    project: str
    schema: str | None = None
    dialect: str = "bigquery"

    def run(self, statement: Statement, seconds: int, most: int, size: int) -> Ran:
        """Price one statement, then run it with its values beside the text.

        Raises QueryFailedError where it would read more than is left to read.
        """
        values = parameters(statement)
        with self._client() as client:
            dry = bigquery.QueryJobConfig(
                query_parameters=values, dry_run=True, use_query_cache=False
            )
            priced = client.query(statement.text, job_config=dry, timeout=seconds)
            wanted = int(priced.total_bytes_processed or 0)
            if priced.statement_type not in {None, "SELECT"}:
                raise QueryFailedError("Only a SELECT is allowed.")
            budget.spend(self.organization_id, wanted)
            job = client.query(
                statement.text,
                job_config=bigquery.QueryJobConfig(
                    query_parameters=values,
                    maximum_bytes_billed=budget.most(),
                    job_timeout_ms=seconds * 1000,
                    labels={"by": "levered"},
                ),
                timeout=seconds,
            )
            try:
                found = job.result(timeout=seconds, page_size=1000)
                rows = engine.within((row.values() for row in found), most, size)
            except BaseException:
                with suppress(google_errors.GoogleAPIError, OSError):
                    client.cancel_job(job.job_id, location=job.location)
                raise
            columns = tuple(one.name for one in found.schema)
            zoneless = {one.name for one in found.schema if one.field_type in ZONELESS}
            return Ran(columns, rows, frozenset(zoneless), wanted)

    def column(self, name: str, _known: Sequence[str] | None) -> str:
        """Keep the name: BigQuery compares columns without regard to capitals."""
        return name

    def tables(self) -> list[Table]:
        """Name the tables of the connection's dataset."""
        if not self.schema:
            return []
        with self._client() as client:
            listed = client.list_tables(
                f"{self.project}.{self.schema}", max_results=2000, timeout=30
            )
            return [
                Table(self.schema, one.table_id, str(one.table_type or "table").lower())
                for one in listed
            ]

    def columns(self, table: str) -> list[Column]:
        """Describe a table, with its dataset or in the connection's."""
        named = table if "." in table else f"{self.schema}.{table}"
        full = named if named.count(".") > 1 else f"{self.project}.{named}"
        with self._client() as client:
            try:
                found = client.get_table(full, timeout=30)
            except (google_errors.NotFound, ValueError) as error:
                raise NotFoundError(f"There is no table {table}.") from error
        return [
            Column(one.name, one.field_type.lower(), one.mode != "REQUIRED")
            for one in found.schema
        ]

    @contextmanager
    def _client(self) -> Iterator[Any]:
        """Lend a client; errors come out as ours, without what must not be seen."""
        try:
            info = {**self.known, "token_uri": TOKENS}
            key = service_account.Credentials.from_service_account_info(
                info, scopes=SCOPES
            )
            client = bigquery.Client(
                self.project, key, location=self.known.get("location")
            )
            try:
                yield client
            finally:
                client.close()
        except (google_errors.BadRequest, google_errors.NotFound) as error:
            raise QueryFailedError(self._words(error)) from error
        except TimeoutError as error:
            raise QueryFailedError(
                "The query took longer than allowed and was stopped."
            ) from error
        except (
            google_errors.GoogleAPIError,
            auth_errors.GoogleAuthError,
            OSError,
        ) as error:
            raise WarehouseError(self._words(error)) from error

    def _words(self, error: Exception) -> str:
        said = str(getattr(error, "message", None) or error)
        said = re.sub(r"^[A-Z]+ https?://\S+: ", "", said).partition("\n\nLocation:")[0]
        return hidden(said.strip(), [self.known["private_key"]])[:2000]


def parameters(statement: Statement) -> list[bigquery.ScalarQueryParameter]:
    """Name the values as the text does, @p1 first, each with its type."""
    return [
        bigquery.ScalarQueryParameter(f"p{number}", _kind(value), value)
        for number, value in enumerate(statement.parameters, start=1)
    ]


def _kind(value: object) -> str:
    return "TIMESTAMP" if isinstance(value, datetime) else KINDS[type(value)]
