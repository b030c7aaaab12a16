"""Many agents at once, and agents that leave in the middle."""

import asyncio
import json
import socket
import time
from collections import Counter

from tests.support import mcp_worlds
from tests.support.mcp_agents import Agent
from tests.support.mcp_worlds import World
from tests.support.running_service import until

AGENTS = 100


async def _work(agent: Agent, optimization: str, number: int) -> str:
    """Look around and have one user served, as one of many."""
    async with agent.session() as client:
        there = await client.call_tool("overview", {})
        assert there.structured_content["organization"]["id"] == "org_world"
        asked = {
            "optimization_id": optimization,
            "anonymous_id": f"of-agent-{number}",
            "dry_run": False,
        }
        served = await client.call_tool("serve_variant", asked)
        assert not served.is_error, served.content
        return str(served.structured_content["decision"]["anonymous_id"])


def test_a_hundred_clients_at_once_are_all_answered(world: World) -> None:
    async def everybody() -> list[str]:
        return await asyncio.gather(
            *(_work(world.admin, world.live, number) for number in range(AGENTS))
        )

    served = asyncio.run(everybody())

    assert Counter(served) == Counter(f"of-agent-{n}" for n in range(AGENTS))


def test_a_client_that_leaves_in_the_middle_leaves_nothing_half_done(
    world: World,
) -> None:
    for number in range(8):
        _send_and_leave(world, f"Left behind {number}", seconds=number * 0.004)

    until(lambda: _quiet(world), 20)

    made = world.admin.call_successfully("overview", search="Left behind", limit=100)[
        "items"
    ]
    for row in made:
        variants = world.admin.call_successfully(
            "get_optimization", optimization_id=row["id"], detail="variants"
        )
        assert (row["status"], variants["total"]) == ("live", 6)


def _send_and_leave(world: World, name: str, *, seconds: float) -> None:
    """Ask for an optimization, live at once, and close the connection."""
    arguments = {
        "name": name,
        "training_data_config": mcp_worlds.CONFIG,
        "reward_metric_id": world.metric,
        "status": "live",
        "confirm": True,
    }
    body = json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "create_optimization", "arguments": arguments},
        }
    )
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
        f"{world.admin.token}\r\nAccept: application/json, text/event-stream\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    place = ("127.0.0.1", world.admin.port)
    with socket.create_connection(place) as connection:
        connection.sendall((head + body).encode())
        time.sleep(seconds)


def _quiet(world: World) -> bool:
    """Whether nothing that was begun is still going on: two looks see the same."""

    def look() -> list[str]:
        rows = world.admin.call_successfully(
            "overview", search="Left behind", limit=100
        )["items"]
        return [row["id"] for row in rows]

    seen = look()
    time.sleep(0.5)
    return bool(seen) and seen == look()
