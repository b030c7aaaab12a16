"""A connection does not keep the buffers of a large statement or row."""

import psycopg
import pytest
from django.core.signals import request_finished
from django.db import OperationalError, close_old_connections, connection

from levered_site import database
from levered_site.database import fetch_row
from models_app.models import BanditModel, PolicyVersion
from tests.support import optimization_factories

pytestmark = pytest.mark.django_db(transaction=True)


def _get_backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid() AS pid")
        return int(fetch_row(cursor).pid)


@pytest.mark.parametrize(("size", "is_kept"), [(500_000, True), (600_000, False)])
def test_a_large_statement_ends_its_connection_with_the_request(
    size: int, *, is_kept: bool
) -> None:
    before = _get_backend()

    database.execute_bound(b"SELECT length($1::text)", ["x" * size])
    during = _get_backend()
    assert close_old_connections in [each[1]() for each in request_finished.receivers]
    close_old_connections()  # as at the end of every request

    assert during == before
    assert (_get_backend() == before) is is_kept


def _end_backend() -> int:
    """End the process of this test's connection; return its number."""
    number = _get_backend()
    assert connection.connection
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as other:
        # The second argument waits until it has ended, milliseconds at most.
        other.execute("SELECT pg_terminate_backend(%s, 2000)", [number])
    return number


def test_a_connection_that_broke_between_requests_is_replaced() -> None:
    before = _end_backend()
    close_old_connections()  # as at the start of every request

    (row,) = database.read_bound(b"SELECT pg_backend_pid() AS pid, $1::int AS one", [1])

    assert row.pid != before
    assert row.one == 1


def test_a_connection_that_breaks_within_a_request_is_an_error() -> None:
    close_old_connections()
    _end_backend()  # asks it first, so that it was seen to work

    with pytest.raises(OperationalError):
        database.read_bound(b"SELECT 1 AS one", [])
    connection.close()


def test_a_large_table_of_a_policy_ends_its_connection_with_the_request() -> None:
    optimization = optimization_factories.make_live_optimization()
    versions = PolicyVersion.objects.filter(model=optimization.model)
    before = _get_backend()
    versions.get()
    close_old_connections()
    after_small = _get_backend()
    versions.update(probabilities=bytes(300_000))

    BanditModel.objects.get(pk=optimization.model_id)
    versions.get()
    close_old_connections()

    assert after_small == before
    assert _get_backend() != before
