"""An organization on the running service with one object of each kind, made by tools."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from tests.support import mcp_agents
from tests.support.mcp_agents import Agent
from tests.support.running_service import Service, until

Json = dict[str, Any]

METRIC: Json = {
    "sql": "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards "
    "WHERE name = 'signup' AND timestamp_utc >= @start_date",
    "column_mapping": {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "reward_type": "bool",
    },
}
CONFIG: Json = {
    "reward": {"name": "signup", "type": "bool"},
    "design_factors": [
        {"name": "headline", "dtype": "str", "levels": ["A", "B", "C"]},
        {"name": "badge", "dtype": "bool", "levels": [False, True]},
    ],
    "context_factors": [
        {"name": "device", "dtype": "str", "levels": ["mobile", "desktop"]}
    ],
}


@dataclass(frozen=True)
class World:
    """Ids of the organization's objects, and agents of its admin and of a member."""

    admin: Agent
    member: Agent
    metric: str
    live: str
    draft: str
    served: str = "visitor-1"


def make_world(service: Service, organization: str) -> World:
    """Create the objects, serve a user, send events and train once."""
    admin = mcp_agents.create_agent(service, organization)
    metric = admin.call_successfully("define_metric", name="Signup", **METRIC)[
        "definition"
    ]["id"]
    live, draft = (
        create_draft(admin, name, metric) for name in ("Live one", "Draft one")
    )
    admin.call_successfully(
        "change_status", optimization_id=live, to="live", confirm=True
    )
    world = World(
        admin,
        mcp_agents.create_agent(service, organization, "member"),
        metric,
        live,
        draft,
    )
    admin.call_successfully(
        "serve_variant", optimization_id=live, anonymous_id=world.served, dry_run=False
    )
    admin.call_successfully(
        "send_events", kind="exposures", events=build_exposures(live)
    )
    rewards = [{"anonymous_id": f"user-{n}", "name": "signup"} for n in range(0, 40, 3)]
    admin.call_successfully("send_events", kind="rewards", events=rewards)
    train_once(admin, live)
    return world


def train_once(admin: Agent, live: str) -> None:
    """Train once, so that the clock has no reason to do it during the tests."""
    admin.call_successfully(
        "train_model", optimization_id=live, wait=False, confirm=True
    )
    until(
        lambda: admin.call_successfully(
            "train_model", optimization_id=live, action="status"
        )["done"],
        60,
    )


def create_draft(admin: Agent, name: str, metric: str) -> str:
    """Create a draft and return its id."""
    answer = admin.call_successfully(
        "create_optimization",
        name=name,
        reward_metric_id=metric,
        training_data_config=CONFIG,
    )
    return str(answer["optimization"]["id"])


def fill_in_ids(value: Any, world: World) -> Any:
    """Replace "{live}", "{draft}", … in arguments by the fields of the world."""
    if isinstance(value, str) and value[:1] == "{":
        return getattr(world, value[1:-1])
    if isinstance(value, dict):
        return {name: fill_in_ids(item, world) for name, item in value.items()}
    return value


def build_exposures(optimization: str) -> list[Json]:
    """Return exposures of 40 users, three days ago."""
    timestamp = (timezone.now() - timedelta(days=3)).isoformat()
    return [
        {
            "anonymous_id": f"user-{n}",
            "optimization_id": optimization,
            "variant": {"headline": "ABC"[n % 3], "badge": n % 2 == 0},
            "timestamp": timestamp,
        }
        for n in range(40)
    ]
