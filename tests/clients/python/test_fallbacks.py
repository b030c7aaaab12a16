"""Whatever happens to the service, the application gets its fallback in time."""

import threading
import time
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from levered import Levered
from levered.core import Mode
from optimizations.models import Assignment
from tests.support.chaos_proxy import ChaosProxy, Fault
from tests.support.fallback_cases import CASES, Answered, answer_many, answer_one
from tests.support.optimization_factories import make_live_optimization
from tests.support.python_client import (
    FALLBACK,
    PATIENT,
    Opener,
    make_public_optimization,
)

pytestmark = pytest.mark.django_db(transaction=True)

NOBODY = "00000000-0000-4000-8000-000000000000"
JSON = (("Content-Type", "application/json"),)
FAULTS = {
    "the service is overloaded": Fault(503, b'{"error": {"message": "busy"}}', JSON),
    "a proxy fails": Fault(502, b"<h1>Bad gateway</h1>"),
    "an empty body": Fault(200),
    "a hotel's network answers": Fault(200, b"<h1>Welcome</h1>"),
    "cut JSON": Fault(200, b'{"variant": {"head', JSON),
    "JSON of another kind": Fault(200, b"[]", JSON),
    "null": Fault(200, b"null", JSON),
    "no variant": Fault(200, b'{"decisions": null, "variant": null}', JSON),
    "a variant that is a text": Fault(200, b'{"variant": "A"}', JSON),
    "not UTF-8": Fault(200, b'{"variant": "\xff"}', JSON),
    "a redirect to nowhere": Fault(302, headers=(("Location", "http://[/"),)),
    "the connection closes": Fault(),
}


@pytest.mark.parametrize("mode", ["remote", "local"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_every_fault_gives_the_fallback(
    proxy: ChaosProxy, open_client: Opener, mode: Mode, fault: Fault
) -> None:
    proxy.faults = [fault]
    client = open_client(proxy.url, mode=mode, timeout=PATIENT)

    made = client.get_decision(NOBODY, "ann", {}, FALLBACK)
    several = client.get_variants({NOBODY: FALLBACK}, "ann")

    assert made.variant == several[NOBODY] == FALLBACK
    assert made.source == "fallback"
    assert made.error is not None


@pytest.mark.parametrize("mode", ["remote", "local"])
def test_a_factor_that_is_not_varied_has_the_value_of_the_fallback(
    live_server: LiveServer, open_client: Opener, mode: Mode
) -> None:
    name = str(make_public_optimization().pk)
    fallback = {"headline": "before", "color": "green"}
    client = open_client(live_server.url, mode=mode, timeout=PATIENT)

    one = client.get_decision(name, "ann", {}, fallback)
    several = client.get_variants({name: fallback}, "ann")

    assert one.source != "fallback"
    assert one.variant == several[name]
    assert one.variant["color"] == "green"
    assert one.variant["headline"] in {"A", "B"}
    assert "color" not in client.get_variant(name, "ann")


def test_what_is_shown_of_variant_and_fallback_is_as_in_the_other_clients(
    proxy: ChaosProxy, open_client: Opener
) -> None:
    client = open_client(proxy.url, timeout=PATIENT, raise_errors=True)

    for case in CASES:
        variant, fallback = case["variant"], case["fallback"]
        proxy.faults = [answer_one(variant), answer_many(Answered(NOBODY, variant))]

        one = client.get_variant(NOBODY, "ann", fallback=fallback)
        several = client.get_variants({NOBODY: fallback}, "ann")

        assert one == several[NOBODY] == case["shown"], case["name"]


@pytest.mark.parametrize("mode", ["remote", "local"])
def test_a_slow_service_costs_no_more_than_the_timeout(
    proxy: ChaosProxy, open_client: Opener, mode: Mode
) -> None:
    proxy.faults = [Fault(seconds=30)]
    client = open_client(proxy.url, mode=mode, timeout=0.3)
    began = time.monotonic()

    made = client.get_decision(NOBODY, "ann", fallback=FALLBACK)

    assert made.variant == FALLBACK
    assert str(made.error) == "no answer within 0.3 s"
    assert time.monotonic() - began < 3


def test_an_answer_that_drips_costs_no_more_than_the_timeout(
    proxy: ChaosProxy, open_client: Opener
) -> None:
    # The policy is in time, the key of its signature is not: both together.
    optimization = make_public_optimization()
    proxy.faults = [Fault(seconds=0.7, is_answered=True)]
    client = open_client(proxy.url, mode="local", timeout=1.0)
    began = time.monotonic()

    made = client.get_decision(optimization.pk, "ann", fallback=FALLBACK)

    assert made.variant == FALLBACK
    assert time.monotonic() - began < 4


def test_no_service_at_all_gives_the_fallback(open_client: Opener) -> None:
    modes: tuple[Mode, ...] = ("remote", "local")
    for mode in modes:
        client = open_client("http://127.0.0.1:9", mode=mode)
        assert client.get_variant(NOBODY, "ann", fallback=FALLBACK) == FALLBACK


@pytest.mark.parametrize("mode", ["remote", "local"])
def test_the_service_is_left_alone_for_as_long_as_it_asks(
    proxy: ChaosProxy, open_client: Opener, mode: Mode
) -> None:
    optimization = make_public_optimization()
    proxy.faults = [Fault(429, headers=(("Retry-After", "1"),)), None]
    client = open_client(proxy.url, mode=mode, timeout=PATIENT)

    refused = client.get_variant(optimization.pk, "ann", fallback=FALLBACK)
    at_once = client.get_variant(optimization.pk, "ann", fallback=FALLBACK)
    asked_meanwhile = len(proxy.requests)
    time.sleep(1.1)
    later = client.get_variant(optimization.pk, "ann", fallback=FALLBACK)

    assert refused == at_once == FALLBACK
    assert asked_meanwhile == 1
    assert later != FALLBACK


def test_threads_that_want_the_same_policy_share_its_request(
    proxy: ChaosProxy, open_client: Opener
) -> None:
    optimization = make_public_optimization()
    client = open_client(proxy.url, mode="local", timeout=PATIENT)
    made: list[str] = []

    def decide(n: int) -> None:
        made.append(client.get_decision(optimization.pk, f"user-{n}").source)

    threads = [threading.Thread(target=decide, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert made == ["local"] * 8
    assert len(proxy.requests) == 2


def test_wrong_arguments_give_the_fallback(
    live_server: LiveServer, open_client: Opener
) -> None:
    optimization = make_live_optimization()
    client = open_client(live_server.url, timeout=PATIENT)
    known = {"optimization_id": optimization.pk, "anonymous_id": "ann"}
    wrong: list[dict[str, Any]] = [
        {"optimization_id": None},
        {"optimization_id": ""},
        {"optimization_id": "../../me"},
        {"anonymous_id": None},
        {"anonymous_id": ""},
        {"anonymous_id": "x" * 257},
        {"anonymous_id": "undefined"},
        {"anonymous_id": "\ud800"},
        {"context": {"device": {"name": "phone"}}},
        {"context": {"device": object()}},
        {"context": "mobile"},
    ]

    for change in wrong:
        made = client.get_decision(**{**known, **change}, fallback=FALLBACK)
        assert made.variant == FALLBACK, change
        assert made.error is not None
    assert not Assignment.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("localhost:3100",), "must begin with http"),
        (("http://localhost", "lev_pub_x"), "use a secret key"),
    ],
)
def test_a_client_that_cannot_work_is_not_made(
    arguments: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        Levered(*arguments)


def test_what_goes_wrong_again_and_again_is_logged_once(
    open_client: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    client = open_client("http://127.0.0.1:9")

    for n in range(5):
        client.get_variant(NOBODY, f"user-{n}", fallback=FALLBACK)

    assert [record.name for record in caplog.records] == ["levered"]


def test_a_failing_error_handler_does_no_harm(open_client: Opener) -> None:
    def fail(error: Exception) -> None:
        raise RuntimeError from error

    client = open_client("http://127.0.0.1:9", on_error=fail)

    assert client.get_variant(NOBODY, "ann", fallback=FALLBACK) == FALLBACK
