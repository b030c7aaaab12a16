"""End to end with MCP tools alone: from an empty organization to a shipped winner."""

import time
from datetime import timedelta
from typing import Any

from django.utils import timezone

from tests.support import mcp_agents, mcp_worlds
from tests.support.mcp_agents import Agent
from tests.support.running_service import PATIENCE, Service

HEADLINES = ["Start free", "Save hours"]


def test_an_agent_takes_an_optimization_from_nothing_to_shipped(
    service: Service,
) -> None:
    agent = mcp_agents.create_agent(service, "org_story")

    _enable_the_managed_warehouse(agent)
    metric = _define_metric_after_an_error(agent)
    optimization = _create_live_optimization(agent, metric)
    _send_events(agent, optimization)
    _train(agent, optimization)
    _serve_and_explain(agent, optimization)
    _read_results(agent, optimization)
    _ship(agent, optimization)


def _enable_the_managed_warehouse(agent: Agent) -> None:
    preview = agent.call_successfully("connect_warehouse", provider="managed")
    assert preview["done"] is False
    assert "confirm" in preview["next"]
    assert agent.call_successfully(
        "connect_warehouse", provider="managed", confirm=True
    )["done"]


def _define_metric_after_an_error(agent: Agent) -> str:
    metric = {"name": "Signup", **mcp_worlds.METRIC}
    wrong = metric["column_mapping"] | {"timestamp": "signed_up_at"}
    error = agent.call_expecting_error(
        "define_metric", **metric | {"column_mapping": wrong}
    )
    assert "column_mapping.timestamp" in error
    assert "timestamp_utc" in error, "the error names the columns of the SQL"

    answer = agent.call_successfully("define_metric", **metric)
    return str(answer["definition"]["id"])


def _create_live_optimization(agent: Agent, metric: str) -> str:
    draft = agent.call_successfully(
        "create_optimization",
        name="Landing page",
        reward_metric_id=metric,
        holdout_percentage=30,
        training_data_config={
            "reward": {"name": "signup", "type": "bool"},
            "design_factors": [
                {"name": "headline", "dtype": "str", "levels": HEADLINES}
            ],
            "context_factors": [
                {"name": "device", "dtype": "str", "levels": ["mobile", "desktop"]}
            ],
        },
    )["optimization"]
    assert draft["status"] == "draft"
    go_live = {"optimization_id": draft["id"], "to": "live"}
    preview = agent.call_successfully("change_status", **go_live)
    assert preview["changes"]["status"] == ["draft", "live"]
    agent.call_successfully("change_status", **go_live, confirm=True)
    return str(draft["id"])


def _send_events(agent: Agent, optimization: str) -> None:
    timestamp = (timezone.now() - timedelta(days=3)).isoformat()
    for start in range(0, 1200, 400):
        users = range(start, start + 400)
        exposures: list[dict[str, Any]] = [
            {
                "anonymous_id": f"user-{n}",
                "optimization_id": optimization,
                "variant": {"headline": HEADLINES[n % 2]},
                "context": {"device": "mobile"},
                "timestamp": timestamp,
            }
            for n in users
        ]
        rewards = [
            {"anonymous_id": f"user-{n}", "name": "signup", "timestamp": timestamp}
            for n in users
            if n % 10 in {0, 1, 3, 5}
        ]
        for kind, events, accepted in (
            ("exposures", exposures, 400),
            ("rewards", rewards, 160),
        ):
            answer = agent.call_successfully("send_events", kind=kind, events=events)
            assert answer["accepted"] == accepted


def _train(agent: Agent, optimization: str) -> None:
    preview = agent.call_successfully("train_model", optimization_id=optimization)
    assert preview["done"] is False
    run = agent.call_successfully(
        "train_model", optimization_id=optimization, confirm=True
    )
    deadline = time.monotonic() + 60 * PATIENCE
    while not run["done"] and time.monotonic() < deadline:
        time.sleep(0.5)
        run = agent.call_successfully(
            "train_model", optimization_id=optimization, action="status"
        )
    state = agent.call_successfully(
        "get_optimization", optimization_id=optimization, detail="model_state"
    )
    assert state["optimization"]["policy_version"] == 1
    assert [row["exposures"] for row in state["items"]] == [600, 600]


def _serve_and_explain(agent: Agent, optimization: str) -> None:
    visitor: dict[str, Any] = {
        "optimization_id": optimization,
        "anonymous_id": "visitor/1",
        "context": {"device": "mobile"},
    }
    dry_run = agent.call_successfully("serve_variant", **visitor)
    assert dry_run["recorded"] is False
    error = agent.call_expecting_error(
        "explain_decision", optimization_id=optimization, anonymous_id="visitor/1"
    )
    assert "never served" in error

    served = agent.call_successfully("serve_variant", **visitor, dry_run=False)
    assert served["decision"]["variant"] == dry_run["decision"]["variant"]
    explanation = agent.call_successfully(
        "explain_decision", optimization_id=optimization, anonymous_id="visitor/1"
    )
    assert explanation["decision"]["policy_version"] == 1
    assert sum(row["probability"] for row in explanation["probabilities"]) == 1


def _read_results(agent: Agent, optimization: str) -> None:
    results = agent.call_successfully(
        "get_results", optimization_id=optimization, refresh="true"
    )
    measured = results["figures"]["measured"]
    users = measured["optimization_exposures"] + measured["holdout_exposures"]
    assert users == 1200
    assert measured["metric_name"] == "Signup"


def _ship(agent: Agent, optimization: str) -> None:
    ship = {"optimization_id": optimization, "to": "shipped"}
    preview = agent.call_successfully("change_status", **ship)
    assert preview["done"] is False
    assert agent.call_successfully("overview")["items"][0]["status"] == "live"

    agent.call_successfully("change_status", **ship, confirm=True)

    assert agent.call_successfully("overview")["items"][0]["status"] == "shipped"
    results = agent.call_successfully("get_results", optimization_id=optimization)
    assert results["view"] == "summary"


def test_a_candidate_is_trained_beside_the_live_model_and_promoted(
    service: Service,
) -> None:
    world = mcp_worlds.make_world(service, "org_candidate")
    live = {"optimization_id": world.live}
    world.admin.call_successfully(
        "update_optimization", **live, candidate={"allocation": "uniform"}, confirm=True
    )
    mcp_worlds.train_once(world.admin, world.live)

    promote = {**live, "action": "promote_candidate"}
    preview = world.admin.call_successfully("train_model", **promote)
    promoted = world.admin.call_successfully("train_model", **promote, confirm=True)

    assert preview["done"] is False
    assert promoted["changes"] == preview["changes"]
    assert promoted["changes"]["allocation"] == ["default", "uniform"]
