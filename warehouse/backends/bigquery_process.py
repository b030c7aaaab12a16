"""A child process that asks a customer's BigQuery through Google's client.

The client retries for minutes and looks names up without a deadline, so it is in a process
that may be killed. Run by `warehouse.processes`; it knows no setting of the service.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Any

from google.api_core import exceptions as google_errors
from google.auth import exceptions as auth_errors
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY
from google.oauth2 import service_account

from warehouse.backends import row_batches
from warehouse.backends.cloud_requests import (
    ConnectRequest,
    DescribeTableRequest,
    ListTablesRequest,
    PriceRequest,
    RunRequest,
)
from warehouse.backends.process_answers import Failure, Row, RowBatch
from warehouse.backends.query_results import Column, Table
from warehouse.processes.child import (
    end_process,
    handle_interrupts,
    serve_requests,
)

OAUTH_ENDPOINT = "https://oauth2.googleapis.com/token"
SCOPES = ("https://www.googleapis.com/auth/bigquery",)
SQL_TYPES = {bool: "BOOL", int: "INT64", float: "FLOAT64", str: "STRING"}
ZONELESS_TYPES = {"DATETIME", "DATE"}
MAX_LISTED_TABLES = 50_000  # that a search goes through
CALL_SECONDS = 20  # for each call but the one that waits for the result
CANCEL_SECONDS = 4
RETRY = DEFAULT_RETRY.with_timeout(8)  # Google's own default is ten minutes

Request = (
    ConnectRequest
    | PriceRequest
    | RunRequest
    | ListTablesRequest
    | DescribeTableRequest
)


class Reader:
    """One client, and the job that it waits for."""

    def __init__(self) -> None:
        self._client: Any = None
        self._job: Any = None

    def answer(self, request: Request) -> Iterator[Any]:
        """Yield the messages of an answer; the last one is a Failure if there was one."""
        try:
            yield from self._answer(request)
        except (google_errors.BadRequest, google_errors.NotFound) as error:
            yield Failure("statement", _describe(error))
        except TimeoutError:
            yield Failure("timeout")
        except MemoryError:
            yield Failure("bytes")
        except (
            google_errors.GoogleAPIError,
            auth_errors.GoogleAuthError,
            OSError,
        ) as error:
            yield Failure("connection", _describe(error))

    def cancel(self) -> None:
        """End the job that is waited for, from another thread."""
        job = self._job
        if job is not None:
            with suppress(google_errors.GoogleAPIError, auth_errors.GoogleAuthError):
                self._client.cancel_job(
                    job.job_id,
                    location=job.location,
                    retry=None,
                    timeout=CANCEL_SECONDS,
                )

    def _answer(self, request: Request) -> Iterator[Any]:
        if isinstance(request, ConnectRequest):
            self._client = build_client(**request.arguments)
        elif isinstance(request, PriceRequest):
            yield self._price(request)
        elif isinstance(request, RunRequest):
            yield from self._run(request)
        elif isinstance(request, ListTablesRequest):
            yield from self._list_tables(request)
        else:
            yield from self._describe_table(request)

    def _price(self, request: PriceRequest) -> int | Failure:
        dry_run = bigquery.QueryJobConfig(
            query_parameters=build_query_parameters(request.parameters),
            dry_run=True,
            use_query_cache=False,
        )
        job = self._start(request.text, dry_run)
        if job.statement_type not in {None, "SELECT"}:
            return Failure("statement", "Only a SELECT is allowed.")
        return int(job.total_bytes_processed or 0)

    def _run(self, request: RunRequest) -> Iterator[RowBatch | Failure]:
        config = bigquery.QueryJobConfig(
            query_parameters=build_query_parameters(request.parameters),
            maximum_bytes_billed=request.max_billed_bytes,
            job_timeout_ms=request.seconds * 1000,
            labels={"by": "levered"},
        )
        self._job = self._start(request.text, config)
        try:
            result = self._job.result(
                timeout=request.seconds, page_size=1000, retry=RETRY, job_retry=None
            )
            rows: Iterator[Row] = (row.values() for row in result)
            yield from row_batches.build_batches(
                rows,
                request.max_rows,
                request.max_bytes,
                lambda batch: _build_batch(result.schema, batch),
            )
        except BaseException:
            self.cancel()
            raise

    def _start(self, text: str, config: bigquery.QueryJobConfig) -> Any:
        """Start a job; a failed one is not started again, which would be billed twice."""
        return self._client.query(
            text, job_config=config, timeout=CALL_SECONDS, retry=RETRY, job_retry=None
        )

    def _list_tables(self, request: ListTablesRequest) -> Iterator[Table]:
        listed = self._client.list_tables(
            f"{request.project}.{request.dataset}", timeout=CALL_SECONDS, retry=RETRY
        )
        tables = (
            Table(
                request.dataset,
                table.table_id,
                str(table.table_type or "table").lower(),
            )
            for table in islice(listed, MAX_LISTED_TABLES)
        )
        wanted = request.search.lower()
        found = (
            table
            for table in tables
            if wanted in f"{table.schema}.{table.name}".lower()
        )
        yield from islice(found, request.max_tables)

    def _describe_table(
        self, request: DescribeTableRequest
    ) -> Iterator[Column | Failure]:
        try:
            described = self._client.get_table(
                request.full_name, timeout=CALL_SECONDS, retry=RETRY
            )
        except (google_errors.NotFound, ValueError):
            yield Failure("missing", f"There is no table {request.name}.")
            return
        for column in described.schema:
            yield Column(
                column.name, column.field_type.lower(), column.mode != "REQUIRED"
            )


def build_client(project: str, account: dict[str, Any], endpoint: str) -> Any:
    """Return Google's client, without asking Google anything.

    `endpoint` replaces Google's addresses, the one of tokens included.
    """
    info = {**account, "token_uri": f"{endpoint}/token" if endpoint else OAUTH_ENDPOINT}
    credentials = service_account.Credentials.from_service_account_info(
        info, scopes=SCOPES
    )
    return bigquery.Client(
        project,
        credentials,
        location=account.get("location"),
        client_options={"api_endpoint": endpoint} if endpoint else None,
    )


def build_query_parameters(
    parameters: tuple[object, ...],
) -> list[bigquery.ScalarQueryParameter]:
    """Return the parameters with their types, named as in the text: p1, p2, …"""
    return [
        bigquery.ScalarQueryParameter(f"p{number}", _get_sql_type(value), value)
        for number, value in enumerate(parameters, start=1)
    ]


def _get_sql_type(value: object) -> str:
    return "TIMESTAMP" if isinstance(value, datetime) else SQL_TYPES[type(value)]


def _build_batch(schema: Any, rows: list[Row]) -> RowBatch:
    zoneless = frozenset(
        column.name for column in schema if column.field_type in ZONELESS_TYPES
    )
    return RowBatch(tuple(column.name for column in schema), rows, zoneless)


def _describe(error: Exception) -> str:
    """Return Google's message without request and location."""
    text = str(getattr(error, "message", None) or error)
    text = re.sub(r"^[A-Z]+ https?://\S+: ", "", text)
    return text.partition("\n\nLocation:")[0].strip()


if __name__ == "__main__":
    reader = Reader()
    handle_interrupts(reader.cancel)
    serve_requests(reader.answer)
    end_process()
