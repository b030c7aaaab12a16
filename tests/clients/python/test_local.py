"""Local decisions: the service's, from its signed policy, recorded in batches."""

import json
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from levered.local import draw
from levered.local.policy import parse_policy
from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Assignment, Optimization
from optimizations.serving import decision, snapshot_loader
from tests.support import factories
from tests.support.chaos_proxy import ChaosProxy, Fault
from tests.support.python_client import (
    DESIGNS,
    FALLBACK,
    PATIENT,
    Opener,
    decide_as_the_service,
    describe,
    make_large_optimization,
    make_public_optimization,
    make_users,
)
from tests.support.random_policies import publish_random_table

pytestmark = pytest.mark.django_db(transaction=True)

USERS = 50_000  # for each of two designs: 100,000 decisions
VECTORS = Path(__file__).parents[3] / "docs" / "policy-vectors.json"


def make_key(optimization: Optimization) -> str:
    """Make a secret key that may send decisions and rewards."""
    return factories.make_api_key(
        optimization.organization, "server", ("serve", "ingest")
    )


@pytest.mark.parametrize("variants", DESIGNS)
def test_local_decisions_equal_the_services(
    live_server: LiveServer, open_client: Opener, settings: Settings, variants: int
) -> None:
    optimization = make_large_optimization(variants)
    publish_random_table(optimization, variants)
    users = make_users(variants, USERS)
    client = open_client(
        live_server.url, mode="local", raise_errors=True, timeout=PATIENT
    )

    made = [
        describe(client.get_decision(optimization.pk, user, context, record=False))
        for user, context in users
    ]

    expected = decide_as_the_service(optimization, users)
    assert made == expected
    assert len({number for number, *_ in expected}) >= variants * 0.8


def test_the_draw_agrees_with_the_published_vectors() -> None:
    vectors = json.loads(VECTORS.read_text())["rendezvous"]
    rows = [draw.prepare_row(row) for row in vectors["rows"]]

    for each in vectors["draws"]:
        text = f"{each['optimization_id']}:{each['anonymous_id']}"
        redraw = each.get("redraw", 0)
        seed = draw.compute_seed(f"{text}:{redraw}" if redraw else text)
        assert [draw.draw(row, seed)[0] for row in rows] == each["variant_numbers"]

    assert len(vectors["draws"]) > 10


def test_a_local_decision_is_what_serve_answers(
    live_server: LiveServer, open_client: Opener
) -> None:
    optimization = make_public_optimization(holdout_percentage=40)
    local = open_client(live_server.url, mode="local", timeout=PATIENT)
    remote = open_client(live_server.url, timeout=PATIENT)

    for n in range(20):
        ids = optimization.pk, f"user-{n}", {"device": "mobile"}
        made = local.get_decision(*ids, record=False)
        served = remote.get_decision(*ids)
        assert (made.source, served.source) == ("local", "remote")
        assert describe(made) == describe(served)
        assert made.policy_version == served.policy_version == 0


def test_decisions_are_recorded_in_one_batch_as_serve_would(
    proxy: ChaosProxy, open_client: Opener
) -> None:
    optimization = make_public_optimization(holdout_percentage=30)
    key = make_key(optimization)
    client = open_client(proxy.url, key, mode="local", timeout=PATIENT)
    context = {"device": "mobile", "plan": "pro", "visits": float("nan")}

    made = [
        client.get_decision(optimization.pk, f"user-{n}", context) for n in range(30)
    ]
    again = client.get_decision(optimization.pk, "user-7", context)
    assert client.flush()

    posts = [path for method, path in proxy.requests if method == "POST"]
    assert posts == [f"/api/v2/optimizations/{optimization.pk}/decisions"]
    recorded = {row.anonymous_id: row for row in Assignment.objects.all()}
    assert len(recorded) == 30
    assert {each.in_holdout for each in made} == {True, False}
    for each in made:
        row = recorded[each.anonymous_id]
        assert row.variant_number == each.variant_number
        assert row.in_holdout == each.in_holdout
    assert again.source == "stored"
    assert describe(again) == describe(made[7])


def test_a_user_whom_the_service_knows_keeps_their_variant(
    live_server: LiveServer, open_client: Opener
) -> None:
    optimization = make_public_optimization(holdout_percentage=0)
    served = open_client(live_server.url, timeout=PATIENT)
    before = {
        user: served.get_decision(optimization.pk, user).variant_number
        for user in (f"user-{n}" for n in range(30))
    }
    publish_random_table(optimization, 4)
    client = open_client(
        live_server.url, make_key(optimization), mode="local", timeout=PATIENT
    )

    first = {
        user: client.get_decision(optimization.pk, user).variant_number
        for user in before
    }
    assert client.flush()
    then = {
        user: client.get_decision(optimization.pk, user).variant_number
        for user in before
    }

    assert first != before
    assert then == before


def test_a_user_of_a_disabled_variant_is_drawn_again_as_the_service_would(
    live_server: LiveServer, open_client: Opener
) -> None:
    optimization = make_public_optimization(holdout_percentage=0)
    client = open_client(
        live_server.url, make_key(optimization), mode="local", timeout=PATIENT
    )
    users = [f"user-{n}" for n in range(12)]
    before = {
        user: client.get_decision(optimization.pk, user).variant_number
        for user in users
    }
    assert client.flush()

    # The baseline cannot be disabled.
    barred = max(number or 0 for number in before.values())
    create_update.set_variant_enabled(optimization, barred, SYSTEM_ACTOR, enabled=False)
    client._core.policies.get(str(optimization.pk)).ask_at = 0.0
    client._work()

    snapshot = snapshot_loader.query_snapshot(str(optimization.pk))
    assert snapshot is not None
    resolved = decision.resolve_context(snapshot, {})
    for user in users:
        after = client.get_decision(optimization.pk, user)
        redrawn = decision.draw_variant(
            snapshot, user, resolved, timezone.now(), redraw=1
        )
        is_barred = before[user] == barred
        assert after.variant_number == (
            redrawn.card.number if is_barred else before[user]
        )
        assert after.variant_number != barred
    assert client.flush()
    rows = dict(Assignment.objects.values_list("anonymous_id", "variant_number"))
    assert barred not in rows.values()


def test_a_shipped_optimization_gives_its_leader_and_records_nobody(
    live_server: LiveServer, open_client: Opener
) -> None:
    optimization = make_public_optimization(holdout_percentage=50)
    key = make_key(optimization)
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)
    client = open_client(live_server.url, key, mode="local", timeout=PATIENT)

    made = client.get_decision(optimization.pk, "ann", {"device": "mobile"})
    assert client.flush()

    snapshot = snapshot_loader.query_snapshot(str(optimization.pk))
    assert snapshot is not None
    resolved = decision.resolve_context(snapshot, {"device": "mobile"})
    assert made.variant_number == snapshot.leading[resolved.cell_index]
    assert not Assignment.objects.exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ((b'"version":0', b'"version":7'), "the signature of the policy is wrong"),
        ((b'keyid="', b'keyid="x'), "the policy is not signed with a published key"),
        ((b"keyid=", b"key="), "the policy is not signed"),
        ((b'"rendezvous"', b'"roulette"'), "the signature of the policy is wrong"),
    ],
)
def test_a_forged_policy_is_not_used(
    proxy: ChaosProxy, open_client: Opener, change: tuple[bytes, bytes], problem: str
) -> None:
    optimization = make_public_optimization()
    proxy.replacements.append(change)
    client = open_client(proxy.url, mode="local", timeout=PATIENT)

    made = client.get_decision(optimization.pk, "ann", fallback=FALLBACK)

    assert made.variant == FALLBACK
    assert str(made.error) == problem


def test_a_policy_of_an_unknown_rule_is_refused() -> None:
    with pytest.raises(Exception, match="unknown rule: roulette"):
        parse_policy({"draw_rule": "roulette"})


def test_the_policy_is_asked_for_once_and_outlives_the_service(
    proxy: ChaosProxy, open_client: Opener
) -> None:
    optimization = make_public_optimization()
    client = open_client(proxy.url, mode="local", timeout=PATIENT)

    assert client.ready(optimization.pk)
    alive = client.get_variant(optimization.pk, "ann", record=False)
    proxy.faults = [Fault(status=503)]
    client._core.policies.get(str(optimization.pk)).ask_at = 0.0
    client._work()
    dead = client.get_variant(optimization.pk, "ann", record=False)

    paths = [path.rpartition("/")[2] for _, path in proxy.requests]
    assert paths == ["policy", "levered-keys.json", "policy"]
    assert alive == dead != {}


def test_an_unchanged_policy_is_not_sent_again(
    proxy: ChaosProxy, open_client: Opener
) -> None:
    optimization = make_public_optimization()
    client = open_client(proxy.url, mode="local", timeout=PATIENT, raise_errors=True)
    client.ready(optimization.pk)
    cached = client._core.policies.get(str(optimization.pk))
    before = cached.policy

    cached.ask_at = 0.0
    client._work()

    assert [path.rpartition("/")[2] for _, path in proxy.requests][2:] == ["policy"]
    assert cached.policy is before
    assert not cached.is_due()


def test_a_paused_optimization_and_an_unreadable_context_give_the_fallback(
    live_server: LiveServer, open_client: Opener
) -> None:
    optimization, paused = make_public_optimization(), make_public_optimization()
    lifecycle.pause_optimization(paused, SYSTEM_ACTOR)
    client = open_client(live_server.url, mode="local", timeout=PATIENT)

    stopped = client.get_decision(paused.pk, "ann", fallback=FALLBACK)
    wrong = client.get_decision(
        optimization.pk, "ann", {"device": ["mobile"]}, FALLBACK
    )

    assert stopped.variant == wrong.variant == FALLBACK
    assert str(stopped.error) == "the optimization is paused"
    assert "must be a string, a number" in str(wrong.error)
