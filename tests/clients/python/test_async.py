"""The asynchronous client does what the synchronous one does."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from levered import AsyncLevered
from levered.core import Mode
from optimizations.models import Assignment
from tests.support import factories
from tests.support.chaos_proxy import ChaosProxy, Fault
from tests.support.optimization_factories import (
    make_live_optimization,
    make_optimization,
)
from tests.support.python_client import (
    FALLBACK,
    PATIENT,
    decide_as_the_service,
    describe,
    make_large_optimization,
    make_public_optimization,
    make_users,
)
from tests.support.random_policies import publish_random_table
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")
NOBODY = "00000000-0000-4000-8000-000000000000"


def run(program: Coroutine[Any, Any, T]) -> T:
    """Run a program in an event loop of its own, which reports what is left open."""
    with asyncio.Runner(debug=True) as runner:
        return runner.run(program)


def test_local_decisions_equal_the_services(live_server: LiveServer) -> None:
    optimization = make_large_optimization(20)
    publish_random_table(optimization, 20)
    users = make_users(7, 2_000)

    async def decide() -> list[tuple[object, ...]]:
        async with AsyncLevered(
            live_server.url, mode="local", timeout=PATIENT, raise_errors=True
        ) as client:
            return [
                describe(
                    await client.get_decision(
                        optimization.pk, user, context, record=False
                    )
                )
                for user, context in users
            ]

    assert run(decide()) == decide_as_the_service(optimization, users)


def test_decisions_and_rewards_arrive_without_flush(proxy: ChaosProxy) -> None:
    optimization = make_public_optimization()
    key = factories.make_api_key(
        optimization.organization, "server", ("serve", "ingest")
    )

    async def visit() -> int:
        async with AsyncLevered(
            proxy.url, key, mode="local", timeout=PATIENT, flush_seconds=0.01
        ) as client:
            await asyncio.gather(
                *(client.get_variant(optimization.pk, f"user-{n}") for n in range(9))
            )
            for n in range(9):
                client.track("purchase", f"user-{n}")
            for _ in range(750):
                if client._core.queue:
                    await asyncio.sleep(0.02)
            return len(client._core.queue)

    assert run(visit()) == 0
    assert Assignment.objects.count() == ManagedReward.objects.count() == 9
    gets = [path for method, path in proxy.requests if method == "GET"]
    assert len(gets) == 2


def test_what_waits_is_sent_when_the_client_is_closed(live_server: LiveServer) -> None:
    optimization = make_live_optimization()
    key = factories.make_api_key(optimization.organization, "server", ("ingest",))

    async def visit() -> None:
        async with AsyncLevered(live_server.url, key, timeout=PATIENT) as client:
            client.track("purchase", "ann")

    run(visit())

    assert ManagedReward.objects.get().anonymous_id == "ann"


def test_what_is_tracked_outside_of_the_event_loop_is_sent_at_the_end(
    live_server: LiveServer,
) -> None:
    optimization = make_live_optimization()
    key = factories.make_api_key(optimization.organization, "server", ("ingest",))
    client = AsyncLevered(live_server.url, key, timeout=PATIENT)

    client.track("purchase", "ann")
    run(client.aclose())

    assert ManagedReward.objects.get().anonymous_id == "ann"


def test_remote_decisions_are_recorded(
    live_server: LiveServer, settings: Settings
) -> None:
    optimization = make_live_optimization()
    other = make_optimization(optimization.organization, status="draft")
    asked = {str(optimization.pk): FALLBACK, str(other.pk): FALLBACK}

    async def visit() -> tuple[Any, Any]:
        async with AsyncLevered(live_server.url, timeout=PATIENT) as client:
            decision = await client.get_decision(optimization.pk, "ann")
            return decision, await client.get_variants(asked, "ann")

    decision, variants = run(visit())

    assert Assignment.objects.get().variant_number == decision.variant_number
    assert variants == {
        str(optimization.pk): decision.variant,
        str(other.pk): FALLBACK,
    }


@pytest.mark.parametrize("mode", ["remote", "local"])
def test_a_slow_or_broken_service_gives_the_fallback_in_time(
    proxy: ChaosProxy, mode: Mode
) -> None:
    async def visit(seconds: float) -> Any:
        async with AsyncLevered(proxy.url, mode=mode, timeout=seconds) as client:
            return await client.get_decision(NOBODY, "ann", {}, FALLBACK)

    proxy.faults = [Fault(seconds=30)]
    began = time.monotonic()
    late = run(visit(0.3))
    seconds = time.monotonic() - began
    proxy.faults = [Fault(200, b"<h1>Welcome</h1>")]
    broken = run(visit(PATIENT))

    assert late.variant == broken.variant == FALLBACK
    assert str(late.error) == "no answer within 0.3 s"
    assert seconds < 3
