"""A child process that asks a customer's Snowflake through its vendor's client.

The client looks names up without a deadline and retries on its own, so it is in a process
that may be killed. Run by `warehouse.processes`; it knows no setting of the service.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import snowflake.connector
from snowflake.connector import errors
from snowflake.connector.constants import FIELD_ID_TO_NAME

from warehouse.backends import row_batches
from warehouse.backends.cloud_requests import ConnectRequest, RunRequest
from warehouse.backends.process_answers import Failure, Row, RowBatch
from warehouse.processes.child import (
    end_process,
    handle_interrupts,
    serve_requests,
)

ZONELESS_TYPES = {"TIMESTAMP_NTZ", "DATE"}
FETCH_ROWS = 500


class Reader:
    """One session, which runs one statement at a time."""

    def __init__(self) -> None:
        self._connection: Any = None

    def answer(self, request: ConnectRequest | RunRequest) -> Iterator[Any]:
        """Yield the messages of an answer; the last one is a Failure if there was one."""
        try:
            if isinstance(request, ConnectRequest):
                self._connection = snowflake.connector.connect(**request.arguments)
            else:
                yield from self._run(request)
        except errors.ProgrammingError as error:
            yield Failure("statement", _describe(error))
        except (errors.Error, OSError) as error:
            yield Failure("connection", _describe(error))
        except MemoryError:
            yield Failure("bytes")
        except KeyboardInterrupt:
            yield Failure("statement", "The query was cancelled.")

    def close(self) -> None:
        """End the session, with all that it still runs."""
        if self._connection is not None:
            with suppress(errors.Error, OSError):
                self._connection.close(retry=False)

    def _run(self, request: RunRequest) -> Iterator[RowBatch | Failure]:
        """Run one statement; the server binds its parameters."""
        with self._connection.cursor() as cursor:
            cursor.execute(request.text, request.parameters)
            described = cursor.description or ()
            zoneless = frozenset(
                column.name
                for column in described
                if FIELD_ID_TO_NAME.get(column.type_code) in ZONELESS_TYPES
            )
            columns = tuple(column.name for column in described)
            yield from row_batches.build_batches(
                _fetch_rows(cursor),
                request.max_rows,
                request.max_bytes,
                lambda rows: RowBatch(columns, rows, zoneless),
            )


def interrupt_main_thread() -> None:
    """Do what Ctrl-C does: the client ends its statement in Snowflake, then raises."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _fetch_rows(cursor: Any) -> Iterator[Row]:
    while rows := cursor.fetchmany(FETCH_ROWS):
        yield from rows


def _describe(error: Exception) -> str:
    return str(getattr(error, "raw_msg", None) or error).strip()


if __name__ == "__main__":
    # A shell may have started the service with the signal ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    reader = Reader()
    handle_interrupts(interrupt_main_thread)
    serve_requests(reader.answer)
    reader.close()
    end_process()
