"""Ids that URLs do not carry: every endpoint refuses them, and erases those stored before.

These are ids with control characters, and the steps of a path.
"""

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.http import HttpResponse
from pytest_django import Settings

from optimizations.models import Assignment, Decision, Optimization
from tests.support import factories, optimization_factories, tracking, traffic
from tests.support.factories import Api, read_body
from warehouse.models import ManagedExposure, ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

CONTROL_CHARACTERS = "\n\r\t\x01\x1b\x7f\x85\x9f"
PATH_STEPS = (".", "..")
TABLES = (Assignment, Decision, ManagedExposure, ManagedReward)


@pytest.fixture
def optimization(settings: Settings) -> Optimization:
    """A live optimization, without rate limits."""
    settings.RATELIMIT_GLOBAL = settings.RATELIMIT_SERVE = "0"
    return optimization_factories.make_live_optimization()


def call_tool(optimization: Optimization, tool: str, **arguments: Any) -> str:
    """Call a tool as an admin; return its text."""
    api = factories.make_admin_api(optimization.organization)
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }
    accept = {"Accept": "application/json, text/event-stream"}
    answer = api.request("POST", "/mcp", message, accept, base="")
    text: str = json.loads(answer.content)["result"]["content"][0]["text"]
    return text


def send_by_http(optimization: Optimization, user: str) -> dict[str, HttpResponse]:
    """Send an id through each endpoint that records ids; return the answers."""
    own = str(optimization.pk)
    public, organization = Api(), optimization.organization
    key = Api(factories.make_api_key(organization, scopes=["ingest", "serve"]))
    page_key = tracking.make_publishable_key(organization)
    page_events = (tracking.build_reward(), tracking.build_exposure(optimization))
    body: dict[str, Any] = {"anonymous_id": user}
    decided = {**body, "variant_number": 1, "policy_version": 0, "in_holdout": False}
    exposure = traffic.build_exposure(optimization, user)
    return {
        "serve": public.post(f"/optimizations/{own}/serve", body),
        "dry run": public.post(
            f"/optimizations/{own}/serve", {**body, "dry_run": True}
        ),
        "best": public.post(
            "/optimizations/best-variant", {**body, "optimization_id": own}
        ),
        "several": public.post(
            "/optimizations/best-variants", {**body, "optimization_ids": [own]}
        ),
        "exposures": key.post("/ingest/exposures", {"events": [exposure]}),
        "rewards": key.post(
            "/ingest/rewards", {"events": [traffic.build_reward(user)]}
        ),
        "track": tracking.track(page_key, *page_events, anonymous_id=user),
        "edge": key.post(f"/optimizations/{own}/decisions", {"decisions": [decided]}),
    }


@pytest.mark.parametrize(
    ("user", "problem"),
    [
        *((f"a{each}b", "control character") for each in CONTROL_CHARACTERS),
        *((step, "which URLs drop from their paths") for step in PATH_STEPS),
    ],
)
def test_an_id_that_urls_do_not_carry_is_refused_by_every_endpoint_and_tool(
    optimization: Optimization, user: str, problem: str
) -> None:
    own = str(optimization.pk)

    answers = send_by_http(optimization, user)
    texts = [
        call_tool(
            optimization,
            "serve_variant",
            optimization_id=own,
            anonymous_id=user,
            dry_run=False,
        ),
        call_tool(
            optimization,
            "send_events",
            kind="rewards",
            events=[traffic.build_reward(user)],
        ),
    ]

    for name, answer in answers.items():
        assert answer.status_code == 400, (name, answer.content)
        assert problem in answer.content.decode(), (name, answer.content)
    for text in texts:
        assert text.startswith("invalid_parameters")
        assert problem in text
    assert [table.objects.count() for table in TABLES] == [0, 0, 0, 0]


def store_under(optimization: Optimization, user: str) -> None:
    """Store a user as a version before the rule did."""
    answers = send_by_http(optimization, "ann")
    for name in ("serve", "exposures", "rewards"):
        assert answers[name].status_code == 200, answers[name].content
    for table in TABLES:
        table.objects.update(anonymous_id=user)


@pytest.mark.parametrize(
    "user",
    [
        *(f"a{each}b" for each in CONTROL_CHARACTERS),
        "a\n",
        "\n",
        "a/b\r\n?#%",
        *PATH_STEPS,
    ],
)
def test_a_stored_id_is_read_and_erased_like_any_other(
    optimization: Optimization, user: str
) -> None:
    store_under(optimization, user)
    own, admin = (
        str(optimization.pk),
        factories.make_admin_api(optimization.organization),
    )
    quoted = quote(user, safe="")

    receipts = admin.get(f"/optimizations/{own}/decisions/{quoted}")
    explained = call_tool(
        optimization, "explain_decision", optimization_id=own, anonymous_id=user
    )
    erased = admin.delete(f"/warehouse/users/{quoted}")

    assert receipts.status_code == 200, receipts.content
    assert read_body(receipts)["anonymous_id"] == user
    assert json.loads(explained)["decision"]["anonymous_id"] == user
    assert erased.status_code == 200, erased.content
    assert [table.objects.count() for table in TABLES] == [0, 0, 0, 0]


@pytest.mark.parametrize("user", ["a\nb", "\n", "a\x1b", *PATH_STEPS])
def test_a_stored_id_is_erased_by_an_agent(
    optimization: Optimization, user: str
) -> None:
    store_under(optimization, user)

    text = call_tool(optimization, "delete", kind="person", id=user, confirm=True)

    assert json.loads(text)["done"] is True
    assert [table.objects.count() for table in TABLES] == [0, 0, 0, 0]
