"""The database connection ends before any statement of a request: never a 500."""

import itertools
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.http import HttpResponse

from optimizations.models import Optimization
from tests.support.factories import Api, make_admin_api
from tests.support.optimization_factories import make_live_optimization

pytestmark = pytest.mark.django_db(transaction=True)

Call = Callable[[Api, Optimization], HttpResponse]


def _disable_variant(api: Api, optimization: Optimization) -> HttpResponse:
    return api.patch(f"/optimizations/{optimization.pk}/variants/2", {"enabled": False})


def _train(api: Api, optimization: Optimization) -> HttpResponse:
    path = f"/models/{optimization.model_id}/train"
    return api.post(path, Prefer="respond-async")


def _read_results(api: Api, optimization: Optimization) -> HttpResponse:
    return api.get(f"/optimizations/{optimization.pk}/results")


class _Cutter:
    """Ends the connection's backend before one statement, counted from 1."""

    def __init__(self, cut_before: int) -> None:
        self.cut_before = cut_before
        self.statements = 0

    def __call__(
        self, execute: Callable[..., Any], *arguments: Any, **named: Any
    ) -> object:
        self.statements += 1
        if self.statements == self.cut_before:
            _end_backend()
        return execute(*arguments, **named)


def _end_backend() -> None:
    assert connection.connection
    info = connection.connection.info
    with closing(psycopg.connect(info.dsn, autocommit=True)) as other:
        # The second argument waits until it has ended, milliseconds at most.
        other.execute("SELECT pg_terminate_backend(%s, 2000)", [info.backend_pid])


@pytest.mark.parametrize("call", [_disable_variant, _train, _read_results])
def test_a_connection_that_ends_before_any_statement_is_a_503_or_a_success(
    call: Call,
) -> None:
    statuses = []
    for statement in itertools.count(1):
        optimization = make_live_optimization()
        api = make_admin_api(optimization.organization)
        cutter = _Cutter(statement)
        with connection.execute_wrapper(cutter):
            response = call(api, optimization)
        connection.close()
        statuses.append(response.status_code)
        if cutter.statements < statement:
            break

    assert len(statuses) > 5
    assert statuses[0] == 503
    assert {status // 100 for status in statuses[:-1]} <= {2, 5}
    assert set(statuses) & {500, 502, 504} == set()
    assert statuses[-1] < 300  # nothing was cut


def test_a_change_is_stored_and_answered_when_publishing_it_fails() -> None:
    optimization = make_live_optimization()
    api = make_admin_api(optimization.organization)

    class _PublishCutter(_Cutter):
        def __call__(
            self, execute: Callable[..., Any], *arguments: Any, **named: Any
        ) -> object:
            if "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ" in arguments[0]:
                self.cut_before = self.statements + 1
            return super().__call__(execute, *arguments, **named)

    with connection.execute_wrapper(_PublishCutter(0)):
        response = _disable_variant(api, optimization)

    connection.close()
    assert response.status_code == 200
    assert not optimization.variants.get(number=2).enabled
