"""A connected server that breaks the protocol costs an error, never the web process."""

import resource
import time
from collections.abc import Callable
from itertools import product

import pytest
from django.test import override_settings

from levered_site.errors import WarehouseError
from tests.support import hostile_postgres
from tests.support.hostile_postgres import Answer, run_hostile_server
from tests.support.running_service import crowding
from warehouse.backends import postgres, postgres_connections
from warehouse.backends.errors import QueryFailedError
from warehouse.backends.postgres import PostgresBackend

pytestmark = pytest.mark.usefixtures("private_allowed")

SQL = "SELECT a FROM public.t"
MAPPING: dict[str, str | None] = dict.fromkeys(
    ("anonymous_id", "timestamp", "optimization_id", "variant"), "a"
)


@pytest.mark.parametrize(
    "answer",
    [hostile_postgres.send_rows_without_columns, hostile_postgres.send_a_huge_row],
)
def test_rows_that_break_the_protocol_or_fill_the_reader_are_an_error(
    answer: Answer,
) -> None:
    before = _get_peak_bytes()

    for answers in ((answer,), (hostile_postgres.send_settings, answer)):
        with run_hostile_server(*answers) as credentials:
            backend = postgres.build_backend("org_a", credentials)
            with pytest.raises(WarehouseError):
                backend.test()

    assert _get_peak_bytes() - before < 100 * 2**20


@pytest.mark.parametrize(
    "answer", [hostile_postgres.send_a_huge_row, hostile_postgres.send_a_list_of_many]
)
def test_no_query_is_blamed_for_what_answers_the_settings(answer: Answer) -> None:
    with run_hostile_server(answer) as credentials:
        backend = postgres.build_backend("org_a", credentials)
        with pytest.raises(WarehouseError) as caught:
            backend.query(SQL, 10)

    assert not isinstance(caught.value, QueryFailedError)
    assert "127.0.0.1" in caught.value.message


def test_rows_for_a_cursor_without_columns_crash_only_the_reader() -> None:
    answers = (
        hostile_postgres.send_settings,
        hostile_postgres.declare_cursor,
        hostile_postgres.deny_columns,
        hostile_postgres.send_many_columns,
    )

    with (
        run_hostile_server(*answers) as credentials,
        pytest.raises(WarehouseError, match=r"127\.0\.0\.1 sent an answer that"),
    ):
        postgres.build_backend("org_a", credentials).query(SQL, 10)


CALLS: dict[str, Callable[[PostgresBackend], object]] = {
    "tables": lambda backend: backend.tables(),
    "columns": lambda backend: backend.columns("public.t"),
    "role": lambda backend: backend.list_role_warnings(),
    "a saved source": lambda backend: backend.validate_and_run_source(SQL, MAPPING),
}
# They say that there is nothing: an empty list of tables, a table that does not exist.
EMPTY_ANSWERS = {
    ("tables", hostile_postgres.send_no_row),
    ("columns", hostile_postgres.send_no_row),
}
BREACHES = (
    hostile_postgres.send_rows_without_columns,
    hostile_postgres.send_another_row,
    hostile_postgres.send_no_row,
    hostile_postgres.send_nonsense,
)


@pytest.mark.parametrize(
    ("call", "answer"),
    [pair for pair in product(CALLS, BREACHES) if pair not in EMPTY_ANSWERS],
)
def test_a_breach_of_the_protocol_is_the_servers_fault(
    call: str, answer: Answer
) -> None:
    """It is a 502 in our words: never a 400 of the query, nor a 500 of ours."""
    with (
        run_hostile_server(hostile_postgres.send_settings, answer) as credentials,
        pytest.raises(WarehouseError) as raised,
    ):
        CALLS[call](postgres.build_backend("org_a", credentials))

    assert raised.value.status == 502
    assert not isinstance(raised.value, QueryFailedError)
    assert "127.0.0.1 sent an answer that" in raised.value.message


def test_endless_rows_are_cut_off_by_their_bytes() -> None:
    answers = (hostile_postgres.send_settings, hostile_postgres.send_endless_rows)
    before = _get_peak_bytes()

    with (
        override_settings(CUBE_ANSWER_BYTES=2_000_000),
        run_hostile_server(*answers) as credentials,
        pytest.raises(WarehouseError, match="larger than 2,000,000 bytes"),
        postgres.build_backend("org_a", credentials)._open_session(20) as session,
    ):
        list(session.stream_rows(SQL, (1,), 10**9))

    assert _get_peak_bytes() - before < 50 * 2**20


def test_a_server_that_sends_byte_by_byte_meets_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres_connections, "GRACE_SECONDS", 1)
    answers = (hostile_postgres.send_settings, hostile_postgres.send_byte_by_byte)
    started = time.monotonic()

    with (
        run_hostile_server(*answers) as credentials,
        pytest.raises(WarehouseError),
        postgres.build_backend("org_a", credentials)._open_session(1) as session,
    ):
        session.fetch_rows(SQL, (1,))

    assert time.monotonic() - started < 10 * crowding()


def _get_peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
