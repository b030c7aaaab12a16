"""Put a simulated world into the service, as people would with the API."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from levered_site.demo.client import Client
from levered_site.demo.visits import Crowd
from levered_site.demo.world import Goal, Json, World
from levered_site.limits import DEFAULT_CONVERSION_WINDOW_HOURS

SCREENSHOTS = Path(__file__).parent / "screenshots"
HORIZON = timedelta(hours=DEFAULT_CONVERSION_WINDOW_HOURS)
SELECT_REWARDS = """
SELECT anonymous_id, timestamp_utc{value}
FROM managed_dw.rewards
WHERE name = '{event}' AND timestamp_utc >= @start_date
"""


@dataclass(frozen=True, slots=True)
class Story:
    """A world in the service, with its visitors."""

    world: World
    optimization_id: str
    model_id: str
    crowd: Crowd


def begin_story(client: Client, world: World, suffix: str, now: datetime) -> Story:
    """Create metrics and optimization, with `suffix` behind their names; go live."""
    reward, *guardrails = [
        client.call("POST", "/warehouse/metrics", _describe_metric(goal, suffix))["id"]
        for goal in world.goals
    ]
    created = client.call(
        "POST",
        "/optimizations",
        _describe_optimization(world)
        | {
            "name": world.name + suffix,
            "reward_metric_id": reward,
            "guardrail_metric_ids": guardrails,
        },
    )
    if world.screenshots:
        _upload_screenshots(client, created["id"], world)
    generator = Random(world.slug)  # noqa: S311 - traffic, not secrets
    crowd = Crowd(world, created["id"], now - HORIZON, generator)
    return Story(world, created["id"], created["model_id"], crowd)


def take_steps(client: Client, story: Story, day: int) -> None:
    """Do what people do on that day of the world."""
    for step in story.world.steps:
        if step.day == day:
            path = f"/optimizations/{story.optimization_id}{step.path}"
            client.call(step.method, path, step.body)


def _describe_metric(goal: Goal, suffix: str) -> Json:
    mapping = {"anonymous_id": "anonymous_id", "timestamp": "timestamp_utc"}
    if goal.mean_amount is None:
        mapping |= {"reward_type": "bool"}
    else:
        mapping |= {"reward_type": "numeric", "value": "value"}
    value = "" if goal.mean_amount is None else ", value"
    return {
        "name": goal.name + suffix,
        "sql": SELECT_REWARDS.format(event=goal.event, value=value),
        "column_mapping": mapping,
        **goal.fields,
    }


def _describe_optimization(world: World) -> Json:
    reward = world.reward
    return {
        "holdout_percentage": world.holdout_percentage,
        "training_data_config": {
            "reward": {
                "name": reward.event,
                "type": "bool" if reward.mean_amount is None else "numeric",
            },
            "design_factors": [
                {"name": name, "dtype": "str", "levels": levels}
                for name, levels in world.factors.items()
            ],
            "context_factors": [
                {"name": name, "dtype": "str", "levels": list(shares)}
                for name, shares in world.contexts.items()
            ],
        },
    }


def _upload_screenshots(client: Client, optimization_id: str, world: World) -> None:
    for number in range(1, len(world.variants) + 1):
        path = SCREENSHOTS / world.screenshots / f"{number}.png"
        client.upload_screenshot(optimization_id, number, path.read_bytes())
