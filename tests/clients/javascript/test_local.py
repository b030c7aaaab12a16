"""Local decisions: the service's, from its signed policy, and kept by storage."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Assignment, Optimization
from optimizations.serving import decision, snapshot_loader
from tests.support import optimization_factories, tracking
from tests.support.chaos_proxy import ChaosProxy, Fault
from tests.support.javascript_client import Session, run_client
from tests.support.optimization_factories import make_factor
from tests.support.random_policies import publish_random_table
from warehouse.models import ManagedExposure

pytestmark = pytest.mark.django_db(transaction=True)

USERS = 10_000  # for each of two designs
FALLBACK = {"headline": "fallback"}
DESIGNS = {20: (4, 5), 100: (10, 10)}
LONG = "😀" * 256
LEVELS = {
    "device": ("mobile", "desktop", "é", "", LONG, "a\ufffdb", "true"),
    "visits": ("1", "2.5", f"{10**21}", "0.0000001", "-3", "0", f"{2**53}"),
}
# Of every type that JSON has for a context, and what is missing.
VALUES: dict[str, tuple[object, ...]] = {
    "device": (
        *("mobile", "desktop", "é", "e\u0301", "", LONG, f"{LONG}more", "a\0b"),
        *("a\ufffdb", "tv", "true", True, False, None, " mobile", "Mobile", 0, "null"),
    ),
    "visits": (
        *(1, 1.0, "1", 2.5, "2.50", 1e21, 10**21, 1e-7, -3, -0.0, 0, 2**53, None, True),
        *(1e300, 5e-324, 1.7976931348623157e308, 123456789012345680000, -1e-7, ""),
    ),
}
NAMES = ("user-{}", "Zoë {}", "😀{}", "ユーザー:{}", "{}", " {} ", "e\u0301{}")


def make_public_optimization(**fields: Any) -> Optimization:
    """Make a live optimization whose policy anybody may read."""
    return optimization_factories.make_live_optimization(public_policy=True, **fields)


def ask(optimization: Optimization, **fields: object) -> dict[str, object]:
    """Build a request for a variant."""
    return {"optimizationId": str(optimization.pk), "fallback": FALLBACK, **fields}


def decide(
    url: str, optimization: Optimization, *, storage: Path, **options: object
) -> Session:
    """Open a page that decides once, for the visitor whom the storage knows."""
    asked = ask(optimization, context={"device": "mobile", "plan": "pro"})
    options = {"apiUrl": url, "mode": "local", **options}
    return run_client(
        options, [("getDecision", asked)], [("flush", {})], storage=storage
    )


def make_users(seed: int) -> list[tuple[str, dict[str, object]]]:
    """Make users with contexts of all types, numbers of all sizes among them."""
    rng = random.Random(seed)  # noqa: S311  # repeatable, not secret
    users = []
    for n in range(USERS):
        context = {
            name: rng.choice(values)
            for name, values in VALUES.items()
            if rng.random() < 0.9
        }
        if n % 5 == 0:
            context["visits"] = rng.choice((1, -1)) * 10 ** rng.uniform(-320, 308)
        context["other"] = [n]
        # Hashes take texts in blocks of 64 bytes.
        name = NAMES[n % len(NAMES)].format(n) + "x" * (n % 230)
        users.append((name, context))
    return users


@pytest.mark.parametrize("variants", DESIGNS)
def test_local_decisions_equal_the_services(
    live_server: LiveServer, settings: Settings, variants: int
) -> None:
    first, second = DESIGNS[variants]
    optimization = make_public_optimization(
        holdout_percentage=12.5,
        training_data_config=optimization_factories.make_config(
            design_factors=[
                make_factor("headline", *(f"h{n}" for n in range(first))),
                make_factor("price", *(n + 0.5 for n in range(second))),
            ],
            context_factors=[make_factor(name, *each) for name, each in LEVELS.items()],
        ),
    )
    publish_random_table(optimization, variants)
    users = make_users(variants)
    requests = [
        ask(optimization, anonymousId=user, context=context) for user, context in users
    ]
    # Without consent nothing is counted: only the decisions are of interest.
    options = {"apiUrl": live_server.url, "mode": "local", "consent": False}

    session = run_client(options, [("getDecisions", {"requests": requests})])

    assert session.errors == []
    snapshot = snapshot_loader.query_snapshot(str(optimization.pk))
    assert snapshot is not None
    now = timezone.now()
    expected = []
    for user, context in users:
        resolved = decision.resolve_context(snapshot, context)
        proposal = decision.decide_variant(snapshot, user, resolved, now)
        number, levels = proposal.card.number, dict(proposal.card.levels)
        expected.append((number, levels, proposal.in_holdout, proposal.propensity))
    assert [
        (
            each["variantNumber"],
            each["variant"],
            each["inHoldout"],
            each["propensity"],
        )
        for each in session.results[0][0]
    ] == expected
    assert len({number for number, *_ in expected}) >= variants * 0.8


def test_a_local_decision_is_what_serve_answers(live_server: LiveServer) -> None:
    optimization = make_public_optimization(holdout_percentage=40)
    requests = [ask(optimization, anonymousId=f"user-{n}") for n in range(20)]
    tick = [("getDecisions", {"requests": requests})]

    options = {"apiUrl": live_server.url, "mode": "local", "consent": False}
    local = run_client(options, tick)
    remote = run_client({"apiUrl": live_server.url}, tick)

    assert local.errors == remote.errors == []
    assert {each["source"] for each in local.results[0][0]} == {"local"}
    assert local.results[0][0] == [
        {**each, "source": "local"} for each in remote.results[0][0]
    ]


def test_a_visitor_keeps_the_variant_and_is_counted_once(
    live_server: LiveServer, tmp_path: Path
) -> None:
    optimization = make_public_optimization(holdout_percentage=0)
    key = tracking.make_publishable_key(optimization.organization)
    storage = tmp_path / "storage.json"

    first = decide(live_server.url, optimization, storage=storage, apiKey=key)
    publish_random_table(optimization, 4)
    second = decide(live_server.url, optimization, storage=storage, apiKey=key)

    assert first.errors == second.errors == []
    before, after = first.results[0][0], second.results[0][0]
    assert (before["source"], after["source"]) == ("local", "stored")
    assert after == {**before, "source": "stored"}
    exposure = ManagedExposure.objects.get()
    assert exposure.anonymous_id == first.anonymous_id == second.anonymous_id
    assert json.loads(exposure.variant) == before["variant"]
    assert exposure.policy_version == 0
    assert json.loads(exposure.context) == {"device": "mobile"}
    assert Assignment.objects.count() == 0


def test_a_visitor_of_a_disabled_variant_is_drawn_again_as_the_service_would(
    live_server: LiveServer, tmp_path: Path
) -> None:
    optimization = make_public_optimization(holdout_percentage=0)
    requests = [ask(optimization, anonymousId=f"user-{n}") for n in range(12)]
    options = {"apiUrl": live_server.url, "mode": "local"}
    tick = [("getDecisions", {"requests": requests})]
    storage = tmp_path / "storage.json"

    before = run_client(options, tick, storage=storage).results[0][0]
    numbers = {each["anonymousId"]: each["variantNumber"] for each in before}
    # The baseline cannot be disabled.
    barred = max(numbers.values())
    create_update.set_variant_enabled(optimization, barred, SYSTEM_ACTOR, enabled=False)
    after = run_client(options, tick, storage=storage).results[0][0]

    snapshot = snapshot_loader.query_snapshot(str(optimization.pk))
    assert snapshot is not None
    resolved = decision.resolve_context(snapshot, {})
    for each in after:
        user = each["anonymousId"]
        redrawn = decision.draw_variant(
            snapshot, user, resolved, timezone.now(), redraw=1
        )
        is_barred = numbers[user] == barred
        expected = redrawn.card.number if is_barred else numbers[user]
        assert each["variantNumber"] == expected != barred
        assert each["source"] == ("local" if is_barred else "stored")


def test_a_shipped_optimization_gives_its_leader_and_counts_nobody(
    live_server: LiveServer, tmp_path: Path
) -> None:
    optimization = make_public_optimization(holdout_percentage=50)
    key = tracking.make_publishable_key(optimization.organization)
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)

    session = decide(
        live_server.url, optimization, storage=tmp_path / "storage.json", apiKey=key
    )

    snapshot = snapshot_loader.query_snapshot(str(optimization.pk))
    assert snapshot is not None
    resolved = decision.resolve_context(snapshot, {"device": "mobile"})
    leader = snapshot.leading[resolved.cell_index]
    assert session.results[0][0]["variantNumber"] == leader
    assert not ManagedExposure.objects.exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ((b'"version":0', b'"version":7'), "the signature of the policy is wrong"),
        ((b'keyid="', b'keyid="x'), "the policy is not signed with a published key"),
        ((b"keyid=", b"key="), "the policy is not signed"),
    ],
)
def test_a_forged_policy_is_not_used(
    proxy: ChaosProxy, tmp_path: Path, change: tuple[bytes, bytes], problem: str
) -> None:
    optimization = make_public_optimization()
    proxy.replacements.append(change)

    session = decide(proxy.url, optimization, storage=tmp_path / "storage.json")

    assert session.results[0][0]["variant"] == FALLBACK
    assert session.errors == [problem]


def test_the_policy_is_asked_for_once_and_a_stored_variant_survives_the_service(
    proxy: ChaosProxy, tmp_path: Path
) -> None:
    optimization = make_public_optimization()
    storage = tmp_path / "storage.json"
    tick = [("getVariant", ask(optimization))] * 3
    options = {
        "apiUrl": proxy.url,
        "mode": "local",
        "preload": [str(optimization.pk)],
    }

    alive = run_client(options, [("ready", {})], tick, tick, storage=storage)
    proxy.faults = [Fault(status=503)]
    dead = run_client(options, tick, storage=storage)

    paths = [path.rpartition("/")[2] for _, path in proxy.requests]
    assert paths == ["policy", "levered-keys.json", "policy"]
    assert dead.results[0] == alive.results[1] == alive.results[2]
    assert FALLBACK not in dead.results[0]


def test_a_paused_optimization_and_an_unreadable_context_give_the_fallback(
    live_server: LiveServer,
) -> None:
    optimization, paused = make_public_optimization(), make_public_optimization()
    lifecycle.pause_optimization(paused, SYSTEM_ACTOR)
    wrong = {"device": ["mobile"]}

    session = run_client(
        {"apiUrl": live_server.url, "mode": "local"},
        [
            ("getVariant", ask(paused)),
            ("getVariant", ask(optimization, context=wrong)),
        ],
    )

    assert session.results[0] == [FALLBACK, FALLBACK]
    assert set(session.errors) == {
        "the optimization is paused",
        "a context value must be a string, a number, true, false or null",
    }
