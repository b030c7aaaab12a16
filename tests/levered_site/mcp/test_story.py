"""The whole story by MCP tools alone: from an empty organization to a shipped winner."""

import time
from datetime import timedelta
from typing import Any

from django.utils import timezone

from tests.support import mcp_agents, mcp_worlds
from tests.support.mcp_agents import Agent
from tests.support.running_service import PATIENCE, Service

SQL = (
    "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards "
    "WHERE name = 'signup' AND timestamp_utc >= @start_date"
)
MAPPING = {
    "anonymous_id": "anonymous_id",
    "timestamp": "timestamp_utc",
    "reward_type": "bool",
}
HEADLINES = ["Start free", "Save hours"]


def test_an_agent_takes_an_optimization_from_nothing_to_shipped(
    service: Service,
) -> None:
    agent = mcp_agents.create_agent(service, "org_story")

    _enable_the_managed_warehouse(agent)
    metric = _define_a_metric_and_mend_it(agent)
    optimization = _create(agent, metric)
    _send_two_days(agent, optimization)
    _train(agent, optimization)
    _decide_and_explain(agent, optimization)
    _read(agent, optimization)
    _ship(agent, optimization)


def _enable_the_managed_warehouse(agent: Agent) -> None:
    shown = agent.call_successfully("connect_warehouse", provider="managed")
    assert shown["done"] is False
    assert "confirm" in shown["next"]
    assert agent.call_successfully(
        "connect_warehouse", provider="managed", confirm=True
    )["done"]


def _define_a_metric_and_mend_it(agent: Agent) -> str:
    wrong = MAPPING | {"timestamp": "signed_up_at"}
    told = agent.call_expecting_error(
        "define_metric", name="Signup", sql=SQL, column_mapping=wrong
    )
    assert "column_mapping.timestamp" in told
    assert "timestamp_utc" in told, "it names the columns there are"

    made = agent.call_successfully(
        "define_metric", name="Signup", sql=SQL, column_mapping=MAPPING
    )
    return str(made["definition"]["id"])


def _create(agent: Agent, metric: str) -> str:
    made = agent.call_successfully(
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
    assert made["status"] == "draft"
    shown = agent.call_successfully(
        "change_status", optimization_id=made["id"], to="live"
    )
    assert shown["changes"]["status"] == ["draft", "live"]
    agent.call_successfully(
        "change_status", optimization_id=made["id"], to="live", confirm=True
    )
    return str(made["id"])


def _send_two_days(agent: Agent, optimization: str) -> None:
    at = (timezone.now() - timedelta(days=3)).isoformat()
    for start in range(0, 1200, 400):
        users = range(start, start + 400)
        seen: list[dict[str, Any]] = [
            {
                "anonymous_id": f"user-{n}",
                "optimization_id": optimization,
                "variant": {"headline": HEADLINES[n % 2]},
                "context": {"device": "mobile"},
                "timestamp": at,
            }
            for n in users
        ]
        done = [
            {"anonymous_id": f"user-{n}", "name": "signup", "timestamp": at}
            for n in users
            if n % 10 in {0, 1, 3, 5}
        ]
        assert (
            agent.call_successfully("send_events", kind="exposures", events=seen)[
                "accepted"
            ]
            == 400
        )
        assert (
            agent.call_successfully("send_events", kind="rewards", events=done)[
                "accepted"
            ]
            == 160
        )


def _train(agent: Agent, optimization: str) -> None:
    assert (
        agent.call_successfully("train_model", optimization_id=optimization)["done"]
        is False
    )
    told = agent.call_successfully(
        "train_model", optimization_id=optimization, confirm=True
    )
    deadline = time.monotonic() + 60 * PATIENCE
    while not told["done"] and time.monotonic() < deadline:
        time.sleep(0.5)
        told = agent.call_successfully(
            "train_model", optimization_id=optimization, action="status"
        )
    state = agent.call_successfully(
        "get_optimization", optimization_id=optimization, detail="model_state"
    )
    assert state["optimization"]["policy_version"] == 1
    assert [row["exposures"] for row in state["items"]] == [600, 600]


def _decide_and_explain(agent: Agent, optimization: str) -> None:
    asked: dict[str, Any] = {
        "optimization_id": optimization,
        "anonymous_id": "visitor/1",
        "context": {"device": "mobile"},
    }
    rehearsed = agent.call_successfully("serve_variant", **asked)
    assert rehearsed["recorded"] is False
    told = agent.call_expecting_error(
        "explain_decision", optimization_id=optimization, anonymous_id="visitor/1"
    )
    assert "never served" in told

    served = agent.call_successfully("serve_variant", **asked, dry_run=False)
    assert served["decision"]["variant"] == rehearsed["decision"]["variant"]
    why = agent.call_successfully(
        "explain_decision", optimization_id=optimization, anonymous_id="visitor/1"
    )
    assert why["decision"]["policy_version"] == 1
    assert sum(row["probability"] for row in why["probabilities"]) == 1


def _read(agent: Agent, optimization: str) -> None:
    found = agent.call_successfully(
        "get_results", optimization_id=optimization, refresh="true"
    )
    measured = found["figures"]["measured"]
    users = measured["optimization_exposures"] + measured["holdout_exposures"]
    assert users == 1200
    assert measured["metric_name"] == "Signup"


def _ship(agent: Agent, optimization: str) -> None:
    shown = agent.call_successfully(
        "change_status", optimization_id=optimization, to="shipped"
    )
    assert shown["done"] is False
    assert agent.call_successfully("overview")["items"][0]["status"] == "live"

    agent.call_successfully(
        "change_status", optimization_id=optimization, to="shipped", confirm=True
    )

    assert agent.call_successfully("overview")["items"][0]["status"] == "shipped"
    assert (
        agent.call_successfully("get_results", optimization_id=optimization)["view"]
        == "summary"
    )


def test_a_candidate_is_trained_beside_the_live_model_and_promoted(
    service: Service,
) -> None:
    world = mcp_worlds.make_world(service, "org_candidate")
    one = {"optimization_id": world.live}
    another = {"allocation": "uniform"}
    world.admin.call_successfully(
        "update_optimization", **one, candidate=another, confirm=True
    )
    mcp_worlds.train_once(world.admin, world.live)

    shown = world.admin.call_successfully(
        "train_model", **one, action="promote_candidate"
    )
    done = world.admin.call_successfully(
        "train_model", **one, action="promote_candidate", confirm=True
    )

    assert shown["done"] is False
    assert done["changes"] == shown["changes"]
    assert done["changes"]["allocation"] == ["default", "uniform"]
