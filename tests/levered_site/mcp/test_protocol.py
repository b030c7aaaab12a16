"""The protocol as it travels: versions, methods, bodies, who may speak at all."""

from typing import Any

import httpx
import pytest
from mcp import Client

from tests.support import mcp_agents
from tests.support.mcp_worlds import World
from tests.support.running_service import Service

ACCEPT = "application/json, text/event-stream"


def post(world: World, body: object, **headers: str) -> httpx.Response:
    """Send one message as a script would; headers as keywords."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    usual = {
        "Authorization": f"Bearer {world.admin.token}",
        "Accept": ACCEPT,
    }
    sent: dict[str, Any] = (
        {"content": body} if isinstance(body, bytes) else {"json": body}
    )
    if isinstance(body, bytes):
        usual["Content-Type"] = "application/json"
    return httpx.post(world.admin.address, headers=usual | named, timeout=30, **sent)


def message(method: str, **params: Any) -> dict[str, Any]:
    """Write a request."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def begin(version: str) -> dict[str, Any]:
    """Write the handshake of the older versions."""
    return message(
        "initialize",
        protocolVersion=version,
        capabilities={},
        clientInfo={"name": "test", "version": "1"},
    )


@pytest.mark.parametrize(
    ("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")]
)
def test_the_official_client_works_in_both_eras(
    world: World, mode: str, version: str
) -> None:
    async def question(client: Client) -> tuple[str | None, str | None]:
        found = await client.call_tool("overview", {})
        assert found.structured_content["organization"]["id"] == "org_world"
        return client.session.protocol_version, client.instructions

    agent = mcp_agents.Agent(world.admin.port, world.admin.token, mode)

    spoken, instructions = agent.ask(question)

    assert spoken == version
    assert "overview" in (instructions or "")


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ],
)
def test_older_versions_negotiate(world: World, asked: str, agreed: str) -> None:
    hello = post(world, begin(asked)).json()["result"]
    called = post(
        world,
        message("tools/call", name="overview", arguments={}),
        MCP_Protocol_Version=agreed,
    ).json()["result"]

    assert hello["protocolVersion"] == agreed
    assert hello["serverInfo"]["name"] == "levered"
    assert called["content"][0]["text"].startswith('{"summary"')


def test_an_answer_is_json_and_names_the_request(world: World) -> None:
    answer = post(world, message("tools/list"))

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    assert "mcp-session-id" not in answer.headers


def test_a_notification_is_taken_without_an_answer(world: World) -> None:
    body = {"jsonrpc": "2.0", "method": "notifications/initialized"}

    answer = post(world, body)

    assert answer.status_code == 202
    assert answer.content in {b"", b"null"}


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"null", b'{"jsonrpc": "2.0"}', b"\xff", b"[" * 100_000],
)
def test_a_body_that_is_no_message_is_refused(world: World, body: bytes) -> None:
    answer = post(world, body)

    assert answer.status_code == 400
    assert "error" in answer.json()


def test_an_unknown_method_and_an_unknown_tool_are_errors_of_the_protocol(
    world: World,
) -> None:
    method = post(world, message("tools/fly")).json()["error"]
    tool = post(world, message("tools/call", name="fly", arguments={})).json()["error"]

    assert method["code"] == -32601
    assert tool["code"] == -32602
    assert "overview" in tool["message"]


def test_there_is_nothing_to_subscribe_to(world: World) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }

    answer = post(
        world,
        message("subscriptions/listen", _meta=meta, notifications={}),
        MCP_Protocol_Version="2026-07-28",
        MCP_Method="subscriptions/listen",
    )

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == -32601


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_there_is_neither_a_stream_nor_a_session(world: World, method: str) -> None:
    headers = {"Authorization": f"Bearer {world.admin.token}", "Accept": ACCEPT}

    answer = httpx.request(method, world.admin.address, headers=headers)

    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        (None, "issue_token"),
        ("Bearer nonsense", "not valid"),
        ("Bearer lev_0123456789", "API key"),
        ("Basic dTpw", "bearer token"),
    ],
)
def test_who_has_no_token_is_shown_where_to_get_one(
    service: Service, authorization: str | None, said: str
) -> None:
    headers = {"Accept": ACCEPT}
    if authorization:
        headers["Authorization"] = authorization
    base = f"http://127.0.0.1:{service.port}"

    answer = httpx.post(f"{base}/mcp", json=message("tools/list"), headers=headers)

    assert answer.status_code == 401
    assert said in answer.json()["error"]["message"]
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("Bearer ")
    assert ("invalid_token" in challenge) == (authorization is not None)
    place = challenge.partition('resource_metadata="')[2].partition('"')[0]
    assert place.endswith("/.well-known/oauth-protected-resource")
    metadata = httpx.get(place).json()
    assert metadata["resource"].endswith("/mcp")
    assert metadata["issuer"] == "levered:local"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:3100"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_page_that_points_its_name_here_is_refused(
    world: World, headers: dict[str, str]
) -> None:
    answer = post(world, message("tools/list"), **headers)

    assert answer.status_code == 403
    told = answer.json()["error"]["message"]
    assert "PUBLIC_URL" in told or "CORS_ALLOWED_ORIGINS" in told


def test_its_own_origin_is_let_in(world: World) -> None:
    origin = f"http://localhost:{world.admin.port}"

    answer = post(world, message("tools/list"), Origin=origin)

    assert answer.status_code == 200
