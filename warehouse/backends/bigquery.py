"""A customer's BigQuery: a dry run prices each query, and the byte budget limits it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from typing_extensions import override

from levered_site.errors import InvalidParametersError
from warehouse.backends import (
    byte_budget,
    credential_fields,
    deadlines,
    process_sessions,
)
from warehouse.backends.base import MAX_TABLES, Checked
from warehouse.backends.cloud_backend import CloudBackend
from warehouse.backends.cloud_requests import (
    ConnectRequest,
    DescribeTableRequest,
    ListTablesRequest,
    PriceRequest,
    RunRequest,
)
from warehouse.backends.credential_fields import FieldPattern
from warehouse.backends.process_sessions import ProcessSession
from warehouse.backends.query_results import Column, StatementResult, Table
from warehouse.sql.shapes import Statement

MODULE = "warehouse.backends.bigquery_process"
HOST = "bigquery.googleapis.com"
CREDENTIAL_FIELDS = ("type", "project_id", "private_key", "client_email", "location")
# Fields of a key file that are accepted and not used: above all not the address that the
# file would have us ask for tokens.
IGNORED_CREDENTIAL_FIELDS = (
    *("private_key_id", "client_id", "auth_uri", "token_uri", "universe_domain"),
    *("auth_provider_x509_cert_url", "client_x509_cert_url"),
)
PROJECT_PATTERN = FieldPattern(
    r"[a-z0-9.:-]{1,100}", "a project's id like my-project-123"
)
EMAIL_PATTERN = FieldPattern(
    r"[^\s@]+@[a-z0-9.-]+", "the service account's e-mail address"
)
LOCATION_PATTERN = FieldPattern(r"[A-Za-z0-9-]{1,40}", "a location like EU or us-east1")
GRACE_SECONDS = 5
REQUIRED_FIELDS = ("type", "private_key", "project_id", "client_email")


def validate_credentials(credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a service account's key that are stored.

    Raises InvalidParametersError on the invalid field.
    """
    credential_fields.refuse_empty(credentials, REQUIRED_FIELDS)
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
        price = PriceRequest(statement.text, statement.parameters)
        with self._open_session(seconds) as session:
            (query_bytes,) = session.call(price, settings.WAREHOUSE_CONNECT_SECONDS)
            byte_budget.spend_bytes(self.organization_id, query_bytes)
            request = RunRequest(
                statement.text,
                statement.parameters,
                round(session.seconds),
                max_rows,
                max_bytes,
                byte_budget.get_max_bytes_per_query(),
            )
            result = session.collect(request, session.seconds + GRACE_SECONDS)
        return replace(result, bytes_scanned=query_bytes)

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
        request = ListTablesRequest(self.project, self.schema, search, MAX_TABLES + 1)
        with self._open_session(settings.WAREHOUSE_CONNECT_SECONDS) as session:
            return list(session.call(request, session.seconds))

    @override
    def columns(self, table: str) -> list[Column]:
        """Return a table's columns; the dataset defaults to the connection's."""
        with_dataset = table if "." in table else f"{self.schema}.{table}"
        full_name = (
            with_dataset
            if with_dataset.count(".") > 1
            else f"{self.project}.{with_dataset}"
        )
        request = DescribeTableRequest(table, full_name)
        with self._open_session(settings.WAREHOUSE_CONNECT_SECONDS) as session:
            return list(session.call(request, session.seconds))

    @contextmanager
    def _open_session(self, seconds: float) -> Iterator[ProcessSession]:
        """Open a client in a process of its own; nothing is sent to Google yet."""
        arguments = {
            "project": self.project,
            "account": dict(self.valid_credentials),
            "endpoint": settings.BIGQUERY_ENDPOINT,
        }
        secrets = [self.valid_credentials["private_key"]]
        seconds = max(1.0, deadlines.limit_seconds(seconds))
        with process_sessions.open_session(
            MODULE, find_host(), seconds, secrets
        ) as session:
            list(session.call(ConnectRequest(arguments), GRACE_SECONDS))
            yield session


def find_host() -> str:
    """Return the host that BigQuery is asked at."""
    return urlsplit(settings.BIGQUERY_ENDPOINT).hostname or HOST
