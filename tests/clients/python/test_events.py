"""Events: in batches, kept until they are acknowledged, each counted once."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from levered import Levered
from optimizations.models import Assignment
from tests.support import factories
from tests.support.chaos_proxy import ChaosProxy, Fault
from tests.support.optimization_factories import make_organization
from tests.support.python_client import (
    PACKAGE,
    PATIENT,
    Opener,
    make_public_optimization,
)
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

BUSY = Fault(503)
# Nothing is sent but by flush().
BY_HAND = 3600.0


@pytest.fixture
def key() -> str:
    """Make a secret key."""
    return factories.make_api_key(make_organization(), "server", ("serve", "ingest"))


@pytest.fixture
def errors() -> list[Exception]:
    """Return the list that clients report to."""
    return []


@pytest.fixture
def client(
    proxy: ChaosProxy, key: str, errors: list[Exception], open_client: Opener
) -> Levered:
    """Make a client that sends only when it is told to."""
    return open_client(
        proxy.url,
        key,
        timeout=PATIENT,
        flush_seconds=BY_HAND,
        on_error=errors.append,
    )


def let_pass(client: Levered) -> None:
    """Let the pause after a failure pass."""
    client._core.queue._paused_until = 0.0


def list_rewards() -> list[tuple[str, float]]:
    """List what arrived."""
    rewards = ManagedReward.objects.order_by("name", "value")
    return [(reward.name, reward.value) for reward in rewards]


def test_rewards_arrive_in_one_request(client: Levered, proxy: ChaosProxy) -> None:
    client.track("purchase", "ann")
    client.track("revenue", "bob", 49.5, properties={"plan": "pro"})

    assert client.flush()

    assert proxy.requests == [("POST", "/api/v2/ingest/rewards")]
    assert list_rewards() == [("purchase", 1), ("revenue", 49.5)]


def test_an_event_is_sent_without_flush(
    live_server: LiveServer, key: str, open_client: Opener
) -> None:
    client = open_client(live_server.url, key, timeout=PATIENT, flush_seconds=0.01)

    client.track("purchase", "ann")

    deadline = time.monotonic() + PATIENT
    while client._core.queue and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list_rewards() == [("purchase", 1)]


def test_what_was_not_acknowledged_is_sent_again_and_counts_once(
    client: Levered, proxy: ChaosProxy, errors: list[Exception]
) -> None:
    client.track("purchase", "ann")
    lost = Fault(502, b"<h1>Bad gateway</h1>", is_passed_on=True)

    for fault in (
        *(Fault(), Fault(500), lost, Fault(200, b"{}")),
        Fault(200, b"<h1>Welcome to our network</h1>"),
    ):
        proxy.faults = [fault]
        assert not client.flush()
        let_pass(client)
    proxy.faults = []

    assert client.flush()
    assert errors == []
    assert list_rewards() == [("purchase", 1)]


def test_events_wait_as_long_as_the_service_asks(
    client: Levered, proxy: ChaosProxy
) -> None:
    proxy.faults = [Fault(429, headers=(("Retry-After", "30"),)), None]
    client.track("purchase", "ann")

    assert not client.flush()
    assert not client.flush()

    assert len(proxy.requests) == 1
    assert 29 < client._core.queue.compute_wait() <= 31
    let_pass(client)
    assert client.flush()


def test_pauses_grow_and_differ(client: Levered, proxy: ChaosProxy) -> None:
    proxy.faults = [BUSY]
    client.track("purchase", "ann")
    waits = []

    for _ in range(9):
        client.flush()
        waits.append(client._core.queue.compute_wait())
        let_pass(client)

    for attempt, wait in enumerate(waits):
        longest = min(60.0, 2.0**attempt)
        assert longest / 2 - 0.1 <= wait <= longest
    assert len(set(waits)) == 9
    proxy.faults = []


def test_what_the_service_refuses_is_reported_and_not_sent_again(
    client: Levered, proxy: ChaosProxy, errors: list[Exception]
) -> None:
    client.track("purchase", "ann")
    client.track("", "ann")

    assert client.flush()

    assert len(proxy.requests) == 1
    assert "an event was refused: name" in str(errors[0])
    assert list_rewards() == [("purchase", 1)]


def test_a_wrong_key_is_reported_and_its_events_dropped(
    live_server: LiveServer, errors: list[Exception], open_client: Opener
) -> None:
    client = open_client(
        live_server.url, "lev_unknown", timeout=PATIENT, on_error=errors.append
    )

    client.track("purchase", "ann")

    assert client.flush()
    assert "1 events were refused: the service answered 401" in str(errors[0])


def test_without_a_key_events_are_reported_once(
    live_server: LiveServer, errors: list[Exception], open_client: Opener
) -> None:
    client = open_client(live_server.url, on_error=errors.append)

    client.track("purchase", "ann")
    client.track("purchase", "bob")

    assert [str(error) for error in errors] == [
        "events and local decisions need an api_key"
    ]


def test_batches_that_are_too_large_are_halved(
    client: Levered, proxy: ChaosProxy
) -> None:
    proxy.faults = [Fault(413), None]
    for n in range(4):
        client.track("purchase", f"user-{n}")

    assert client.flush()

    assert len(proxy.requests) == 3
    assert list_rewards() == [("purchase", 1)] * 4


def test_many_events_go_in_batches_of_500(client: Levered, proxy: ChaosProxy) -> None:
    for n in range(1_001):
        client.track("purchase", f"user-{n}")

    assert client.flush()

    assert len(proxy.requests) == 3
    assert ManagedReward.objects.count() == 1_001


def test_beyond_its_size_the_queue_loses_the_oldest_and_says_so(
    live_server: LiveServer, key: str, errors: list[Exception], open_client: Opener
) -> None:
    client = open_client(
        live_server.url,
        key,
        timeout=PATIENT,
        flush_seconds=BY_HAND,
        queue_size=2,
        on_error=errors.append,
    )

    for value in (1, 2, 3):
        client.track("revenue", "ann", value)

    assert client.flush()
    assert list_rewards() == [("revenue", 2), ("revenue", 3)]
    assert [str(error) for error in errors] == ["the queue is full: an event was lost"]


def test_a_decision_is_sent_before_the_reward_that_follows_it(
    proxy: ChaosProxy, open_client: Opener
) -> None:
    optimization = make_public_optimization(holdout_percentage=0)
    key = factories.make_api_key(
        optimization.organization, "server", ("serve", "ingest")
    )
    client = open_client(
        proxy.url, key, mode="local", timeout=PATIENT, flush_seconds=BY_HAND
    )

    client.track("purchase", "another user")
    client.get_variant(optimization.pk, "ann")
    client.track("purchase", "ann")
    assert client.flush()

    posts = [path for method, path in proxy.requests if method == "POST"]
    assert [path.rpartition("/")[2] for path in posts] == ["decisions", "rewards"]
    reward = ManagedReward.objects.get(anonymous_id="ann")
    assert Assignment.objects.get().decided_at <= reward.timestamp_utc


def test_an_old_event_has_the_time_when_it_happened(
    client: Levered, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr("levered.events.time.time", lambda: now - 3600)
    client.track("purchase", "ann")
    monkeypatch.undo()
    client.track("purchase", "bob")

    assert client.flush()

    rewards = {
        row.anonymous_id: row.timestamp_utc for row in ManagedReward.objects.all()
    }
    ages = {user: (timezone.now() - at).total_seconds() for user, at in rewards.items()}
    assert 3590 < ages["ann"] < 3700
    assert ages["bob"] < 60


def test_a_process_that_ends_sends_what_waits(
    live_server: LiveServer, key: str
) -> None:
    program = (
        "from levered import Levered\n"
        f"client = Levered({live_server.url!r}, {key!r}, timeout={PATIENT}, "
        f"flush_seconds={BY_HAND})\n"
        "client.track('purchase', 'ann')\n"
    )

    run_python(program)

    assert list_rewards() == [("purchase", 1)]


def test_the_children_of_a_fork_send_their_own_events_only(
    live_server: LiveServer, key: str
) -> None:
    program = (
        "import os\n"
        "from levered import Levered\n"
        f"client = Levered({live_server.url!r}, {key!r}, timeout={PATIENT}, "
        "flush_seconds=0.2)\n"
        "client.track('parent', 'ann')\n"
        "if os.fork() == 0:\n"
        "    client.track('child', 'bob')\n"
        "    client.close()\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )

    run_python(program)

    assert list_rewards() == [("child", 1), ("parent", 1)]


def run_python(program: str) -> None:
    """Run a program that has the package; fail where it fails."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "PYTHONPATH": str(Path(PACKAGE) / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
