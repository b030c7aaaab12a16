"""A customer's BigQuery: a dry run prices each query, and the byte budget limits it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, ClassVar

from google.api_core import exceptions as google_errors
from google.auth import exceptions as auth_errors
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY
from google.oauth2 import service_account
from typing_extensions import override

from levered_site.errors import InvalidParametersError, NotFoundError, WarehouseError
from warehouse.backends import (
    byte_budget,
    cancellation,
    cloud_backend,
    credential_fields,
)
from warehouse.backends.base import MAX_TABLES, Checked
from warehouse.backends.cloud_backend import CloudBackend
from warehouse.backends.credential_fields import FieldPattern
from warehouse.backends.errors import QueryFailedError, redact_secrets
from warehouse.backends.query_results import Column, StatementResult, Table
from warehouse.sql.shapes import Statement

CREDENTIAL_FIELDS = ("type", "project_id", "private_key", "client_email", "location")
# Fields of a key file that are accepted and not used: above all not the address that the
# file would have us ask for tokens.
IGNORED_CREDENTIAL_FIELDS = (
    *("private_key_id", "client_id", "auth_uri", "token_uri", "universe_domain"),
    *("auth_provider_x509_cert_url", "client_x509_cert_url"),
)
OAUTH_ENDPOINT = "https://oauth2.googleapis.com/token"
SCOPES = ("https://www.googleapis.com/auth/bigquery",)
PROJECT_PATTERN = FieldPattern(
    r"[a-z0-9.:-]{1,100}", "a project's id like my-project-123"
)
EMAIL_PATTERN = FieldPattern(
    r"[^\s@]+@[a-z0-9.-]+", "the service account's e-mail address"
)
LOCATION_PATTERN = FieldPattern(r"[A-Za-z0-9-]{1,40}", "a location like EU or us-east1")
SQL_TYPES = {bool: "BOOL", int: "INT64", float: "FLOAT64", str: "STRING"}
ZONELESS_TYPES = {"DATETIME", "DATE"}
CATALOG_SECONDS = 30
MAX_LISTED_TABLES = 50_000  # that a search goes through


def validate_credentials(credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a service account's key that are stored.

    Raises InvalidParametersError on the invalid field.
    """
    credential_fields.refuse_unknown_fields(
        credentials, CREDENTIAL_FIELDS + IGNORED_CREDENTIAL_FIELDS
    )
    if credentials.get("type") != "service_account":
        raise InvalidParametersError.for_field(
            "credentials.type", "must be service_account"
        )
    stored = {
        "type": "service_account",
        "private_key": credential_fields.require_private_key(credentials),
        "project_id": credential_fields.require_text(
            credentials, "project_id", PROJECT_PATTERN
        ),
        "client_email": credential_fields.require_text(
            credentials, "client_email", EMAIL_PATTERN
        ),
    }
    if credentials.get("location"):
        stored["location"] = credential_fields.require_text(
            credentials, "location", LOCATION_PATTERN
        )
    return stored


def build_backend(
    organization_id: str,
    credentials: Mapping[str, Any],  # as `validate_credentials` returns them
    project_id: str = "",
    dataset_id: str = "",
) -> "BigQueryBackend":
    """Return the backend of an organization's project, without connecting."""
    project = project_id or credentials["project_id"]
    return BigQueryBackend(
        organization_id, dict(credentials), project, dataset_id or None
    )


@dataclass(frozen=True, slots=True)
class BigQueryBackend(CloudBackend):
    """Backend of a connected BigQuery; it compares column names without regard to case."""

    dialect: ClassVar[str] = "bigquery"

    organization_id: str
    valid_credentials: Mapping[str, Any] = field(repr=False)
    project: str
    schema: str | None = None

    @override
    def run(
        self, statement: Statement, seconds: int, max_rows: int, max_bytes: int
    ) -> StatementResult:
        """Price a statement by a dry run, then run it with its parameters bound.

        Raises QueryFailedError also if it would read more than the byte budget allows.
        """
        parameters = build_query_parameters(statement)
        with self._open_client() as client:
            retry = _limit_retries(seconds)
            query_bytes = _price_statement(client, statement.text, parameters, seconds)
            byte_budget.spend_bytes(self.organization_id, query_bytes)
            job = client.query(
                statement.text,
                job_config=bigquery.QueryJobConfig(
                    query_parameters=parameters,
                    maximum_bytes_billed=byte_budget.get_max_bytes_per_query(),
                    job_timeout_ms=seconds * 1000,
                    labels={"by": "levered"},
                ),
                retry=retry,
                timeout=seconds,
                job_retry=None,
            )
            cancel_job = partial(_cancel_job, client, job, retry, seconds)
            try:
                with cancellation.watch_statement(cancel_job):
                    result = job.result(
                        timeout=seconds, page_size=1000, retry=retry, job_retry=None
                    )
                    rows = cloud_backend.collect_rows(
                        (row.values() for row in result), max_rows, max_bytes
                    )
            except BaseException:
                cancel_job()
                raise
            zoneless = frozenset(
                column.name
                for column in result.schema
                if column.field_type in ZONELESS_TYPES
            )
            columns = tuple(column.name for column in result.schema)
            return StatementResult(columns, rows, zoneless, query_bytes)

    @override
    def _respell_columns(
        self, checked: Checked, result_columns: tuple[str, ...]
    ) -> Checked:
        """BigQuery itself reads a column by its name in any case."""
        query = replace(checked.query, columns=result_columns)
        return self._spell_columns(replace(checked, query=query))

    @override
    def tables(self, search: str = "") -> list[Table]:
        """Return the tables of the connection's dataset."""
        if not self.schema:
            return []
        with self._open_client() as client:
            listed = client.list_tables(
                f"{self.project}.{self.schema}",
                timeout=CATALOG_SECONDS,
                retry=_limit_retries(CATALOG_SECONDS),
            )
            tables = (
                Table(
                    self.schema,
                    table.table_id,
                    str(table.table_type or "table").lower(),
                )
                for table in islice(listed, MAX_LISTED_TABLES)
            )
            wanted = search.lower()
            found = (
                table
                for table in tables
                if wanted in f"{table.schema}.{table.name}".lower()
            )
            return list(islice(found, MAX_TABLES + 1))

    @override
    def columns(self, table: str) -> list[Column]:
        """Return a table's columns; the dataset defaults to the connection's."""
        with_dataset = table if "." in table else f"{self.schema}.{table}"
        full_name = (
            with_dataset
            if with_dataset.count(".") > 1
            else f"{self.project}.{with_dataset}"
        )
        with self._open_client() as client:
            try:
                described = client.get_table(
                    full_name,
                    timeout=CATALOG_SECONDS,
                    retry=_limit_retries(CATALOG_SECONDS),
                )
            except (google_errors.NotFound, ValueError) as error:
                raise NotFoundError(f"There is no table {table}.") from error
        return [
            Column(column.name, column.field_type.lower(), column.mode != "REQUIRED")
            for column in described.schema
        ]

    @contextmanager
    def _open_client(self) -> Iterator[Any]:
        """Open a client and translate its errors, without the private key."""
        try:
            info = {**self.valid_credentials, "token_uri": OAUTH_ENDPOINT}
            account = service_account.Credentials.from_service_account_info(
                info, scopes=SCOPES
            )
            client = bigquery.Client(
                self.project, account, location=self.valid_credentials.get("location")
            )
            try:
                yield client
            finally:
                client.close()
        except (google_errors.BadRequest, google_errors.NotFound) as error:
            raise QueryFailedError(self._describe_error(error)) from error
        except TimeoutError as error:
            raise QueryFailedError(
                "The query took longer than allowed and was stopped."
            ) from error
        except (
            google_errors.GoogleAPIError,
            auth_errors.GoogleAuthError,
            OSError,
        ) as error:
            raise WarehouseError(self._describe_error(error)) from error

    def _describe_error(self, error: Exception) -> str:
        """Return Google's message without request, location and private key."""
        text = str(getattr(error, "message", None) or error)
        text = re.sub(r"^[A-Z]+ https?://\S+: ", "", text).partition("\n\nLocation:")[0]
        return redact_secrets(text.strip(), [self.valid_credentials["private_key"]])


def _cancel_job(client: Any, job: Any, retry: Any, seconds: int) -> None:
    with suppress(google_errors.GoogleAPIError, OSError):
        client.cancel_job(
            job.job_id, location=job.location, retry=retry, timeout=seconds
        )


def _limit_retries(seconds: int) -> Any:
    """Return the client's rule of retries, which alone goes on for ten minutes."""
    return DEFAULT_RETRY.with_timeout(seconds)


def _price_statement(
    client: Any,
    text: str,
    parameters: list[bigquery.ScalarQueryParameter],
    seconds: int,
) -> int:
    """Return the bytes that a statement would read; QueryFailedError if no SELECT."""
    dry_run = bigquery.QueryJobConfig(
        query_parameters=parameters, dry_run=True, use_query_cache=False
    )
    job = client.query(
        text,
        job_config=dry_run,
        retry=_limit_retries(seconds),
        timeout=seconds,
        job_retry=None,
    )
    query_bytes = int(job.total_bytes_processed or 0)
    if job.statement_type not in {None, "SELECT"}:
        raise QueryFailedError("Only a SELECT is allowed.")
    return query_bytes


def build_query_parameters(statement: Statement) -> list[bigquery.ScalarQueryParameter]:
    """Return the parameters with their types, named as in the text: p1, p2, …"""
    return [
        bigquery.ScalarQueryParameter(f"p{number}", _get_sql_type(value), value)
        for number, value in enumerate(statement.parameters, start=1)
    ]


def _get_sql_type(value: object) -> str:
    return "TIMESTAMP" if isinstance(value, datetime) else SQL_TYPES[type(value)]
