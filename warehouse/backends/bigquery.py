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
from warehouse.backends import byte_budget, cloud_backend, credential_fields
from warehouse.backends.base import QueryFailedError
from warehouse.backends.cloud_backend import CloudBackend, StatementResult
from warehouse.backends.credential_fields import FieldPattern
from warehouse.backends.query_results import Column, Table
from warehouse.backends.query_validation import redact_secrets
from warehouse.sql.shapes import Statement

# What a key file holds besides is not read: above all not where it would have us ask
# for tokens.
CREDENTIAL_FIELDS = ("type", "project_id", "private_key", "client_email", "location")
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
DATASET = r"\w{1,1024}"
SQL_TYPES = {bool: "BOOL", int: "INT64", float: "FLOAT64", str: "STRING"}
ZONELESS_TYPES = {"DATETIME", "DATE"}


def validate_credentials(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check a service account's key; raises InvalidParametersError by field."""
    credential_fields.refuse_unknown_fields(
        given, CREDENTIAL_FIELDS + IGNORED_CREDENTIAL_FIELDS
    )
    if given.get("type") != "service_account":
        raise InvalidParametersError.for_field(
            "credentials.type", "must be service_account"
        )
    key = credential_fields.require_text(
        given, "private_key", credential_fields.PRIVATE_KEY_PATTERN
    )
    try:
        serialization.load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise InvalidParametersError.for_field(
            "credentials.private_key", "must be an unencrypted private key in PEM"
        ) from error
    known = {
        "type": "service_account",
        "project_id": credential_fields.require_text(
            given, "project_id", PROJECT_PATTERN
        ),
        "private_key": key,
        "client_email": credential_fields.require_text(
            given, "client_email", EMAIL_PATTERN
        ),
    }
    if given.get("location"):
        known["location"] = credential_fields.require_text(
            given, "location", LOCATION_PATTERN
        )
    return known


def build_backend(
    organization_id: str,
    credentials: Mapping[str, Any],  # as `credentials` returned them
    project_id: str = "",
    dataset_id: str = "",
) -> "BigQueryBackend":
    """Describe an organization's project; nothing is opened yet."""
    project = project_id or credentials["project_id"]
    return BigQueryBackend(
        organization_id, dict(credentials), project, dataset_id or None
    )


@dataclass(frozen=True, slots=True)
class BigQueryBackend(CloudBackend):
    """Backend of a connected BigQuery; see base.Backend."""

    organization_id: str
    valid_credentials: Mapping[str, Any] = field(repr=False)
    project: str
    schema: str | None = None
    dialect: str = "bigquery"

    def run(
        self, statement: Statement, seconds: int, most: int, size: int
    ) -> StatementResult:
        """Price one statement, then run it with its values beside the text.

        Raises QueryFailedError where it would read more than is left to read.
        """
        values = build_query_parameters(statement)
        with self._open_client() as client:
            dry = bigquery.QueryJobConfig(
                query_parameters=values, dry_run=True, use_query_cache=False
            )
            priced = client.query(statement.text, job_config=dry, timeout=seconds)
            wanted = int(priced.total_bytes_processed or 0)
            if priced.statement_type not in {None, "SELECT"}:
                raise QueryFailedError("Only a SELECT is allowed.")
            byte_budget.spend_bytes(self.organization_id, wanted)
            job = client.query(
                statement.text,
                job_config=bigquery.QueryJobConfig(
                    query_parameters=values,
                    maximum_bytes_billed=byte_budget.get_max_bytes_per_query(),
                    job_timeout_ms=seconds * 1000,
                    labels={"by": "levered"},
                ),
                timeout=seconds,
            )
            try:
                found = job.result(timeout=seconds, page_size=1000)
                rows = cloud_backend.collect_rows(
                    (row.values() for row in found), most, size
                )
            except BaseException:
                with suppress(google_errors.GoogleAPIError, OSError):
                    client.cancel_job(job.job_id, location=job.location)
                raise
            columns = tuple(one.name for one in found.schema)
            zoneless = {
                one.name for one in found.schema if one.field_type in ZONELESS_TYPES
            }
            return StatementResult(columns, rows, frozenset(zoneless), wanted)

    def spell_column(self, name: str, _known: Sequence[str] | None) -> str:
        """Keep the name: BigQuery compares columns without regard to capitals."""
        return name

    def tables(self) -> list[Table]:
        """Name the tables of the connection's dataset."""
        if not self.schema:
            return []
        with self._open_client() as client:
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
        with self._open_client() as client:
            try:
                found = client.get_table(full, timeout=30)
            except (google_errors.NotFound, ValueError) as error:
                raise NotFoundError(f"There is no table {table}.") from error
        return [
            Column(one.name, one.field_type.lower(), one.mode != "REQUIRED")
            for one in found.schema
        ]

    @contextmanager
    def _open_client(self) -> Iterator[Any]:
        """Lend a client; errors come out as ours, without what must not be seen."""
        try:
            info = {**self.valid_credentials, "token_uri": OAUTH_ENDPOINT}
            key = service_account.Credentials.from_service_account_info(
                info, scopes=SCOPES
            )
            client = bigquery.Client(
                self.project, key, location=self.valid_credentials.get("location")
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
        said = str(getattr(error, "message", None) or error)
        said = re.sub(r"^[A-Z]+ https?://\S+: ", "", said).partition("\n\nLocation:")[0]
        return redact_secrets(said.strip(), [self.valid_credentials["private_key"]])[
            :2000
        ]


def build_query_parameters(statement: Statement) -> list[bigquery.ScalarQueryParameter]:
    """Name the values as the text does, @p1 first, each with its type."""
    return [
        bigquery.ScalarQueryParameter(f"p{number}", _get_sql_type(value), value)
        for number, value in enumerate(statement.parameters, start=1)
    ]


def _get_sql_type(value: object) -> str:
    return "TIMESTAMP" if isinstance(value, datetime) else SQL_TYPES[type(value)]
