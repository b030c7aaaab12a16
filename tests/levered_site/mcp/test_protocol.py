"""The protocol on the wire: versions, methods, bodies, authentication, origins."""

from typing import Any

import httpx
import pytest
from mcp import Client

from tests.support import mcp_agents
from tests.support.mcp_worlds import World
from tests.support.running_service import Service

ACCEPT = "application/json, text/event-stream"


def post(world: World, body: object, **named: str) -> httpx.Response:
    """Send one message as a script would; headers as keywords."""
    given_headers = {name.replace("_", "-"): value for name, value in named.items()}
    default_headers = {
        "Authorization": f"Bearer {world.admin.token}",
        "Accept": ACCEPT,
    }
    content: dict[str, Any] = (
        {"content": body} if isinstance(body, bytes) else {"json": body}
    )
    if isinstance(body, bytes):
        default_headers["Content-Type"] = "application/json"
    headers = default_headers | given_headers
    return httpx.post(world.admin.address, headers=headers, timeout=30, **content)


def build_message(method: str, **params: Any) -> dict[str, Any]:
    """Return a JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def build_handshake(version: str) -> dict[str, Any]:
    """Return the first message of protocol versions that begin with a handshake."""
    return build_message(
        "initialize",
        protocolVersion=version,
        capabilities={},
        clientInfo={"name": "test", "version": "1"},
    )


@pytest.mark.parametrize(
    ("mode", "version"), [("auto", "2026-07-28"), ("legacy", "2025-11-25")]
)
def test_the_official_client_works_with_and_without_a_handshake(
    world: World, mode: str, version: str
) -> None:
    async def call_overview(client: Client) -> tuple[str | None, str | None]:
        result = await client.call_tool("overview", {})
        assert result.structured_content["organization"]["id"] == "org_world"
        return client.session.protocol_version, client.instructions

    agent = mcp_agents.Agent(world.admin.port, world.admin.token, mode)

    negotiated, instructions = agent.run_in_session(call_overview)

    assert negotiated == version
    assert "overview" in (instructions or "")


@pytest.mark.parametrize(
    ("requested", "agreed"),
    [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ],
)
def test_older_versions_are_negotiated(
    world: World, requested: str, agreed: str
) -> None:
    handshake = post(world, build_handshake(requested)).json()["result"]
    call = post(
        world,
        build_message("tools/call", name="overview", arguments={}),
        MCP_Protocol_Version=agreed,
    ).json()["result"]

    assert handshake["protocolVersion"] == agreed
    assert handshake["serverInfo"]["name"] == "levered"
    assert call["content"][0]["text"].startswith('{"summary"')


def test_an_answer_is_json_with_a_request_id(world: World) -> None:
    answer = post(world, build_message("tools/list"))

    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    assert "mcp-session-id" not in answer.headers


def test_a_notification_is_accepted_without_an_answer(world: World) -> None:
    body = {"jsonrpc": "2.0", "method": "notifications/initialized"}

    answer = post(world, body)

    assert answer.status_code == 202
    assert answer.content in {b"", b"null"}


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"null", b'{"jsonrpc": "2.0"}', b"\xff", b"[" * 100_000],
)
def test_a_body_that_is_not_a_message_is_refused(world: World, body: bytes) -> None:
    answer = post(world, body)

    assert answer.status_code == 400
    assert "error" in answer.json()


def test_an_unknown_method_and_an_unknown_tool_are_protocol_errors(
    world: World,
) -> None:
    method = post(world, build_message("tools/fly")).json()["error"]
    tool = post(world, build_message("tools/call", name="fly", arguments={})).json()[
        "error"
    ]

    assert method["code"] == -32601
    assert tool["code"] == -32602
    assert "overview" in tool["message"]


def test_subscriptions_are_not_supported(world: World) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }

    answer = post(
        world,
        build_message("subscriptions/listen", _meta=meta, notifications={}),
        MCP_Protocol_Version="2026-07-28",
        MCP_Method="subscriptions/listen",
    )

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == -32601


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_streams_and_sessions_are_not_supported(world: World, method: str) -> None:
    headers = {"Authorization": f"Bearer {world.admin.token}", "Accept": ACCEPT}

    answer = httpx.request(method, world.admin.address, headers=headers)

    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("authorization", "text"),
    [
        (None, "issue_token"),
        ("Bearer nonsense", "not valid"),
        ("Bearer lev_0123456789", "API key"),
        ("Basic dTpw", "bearer token"),
    ],
)
def test_a_call_without_a_valid_token_learns_where_to_get_one(
    service: Service, authorization: str | None, text: str
) -> None:
    headers = {"Accept": ACCEPT}
    if authorization:
        headers["Authorization"] = authorization
    base = f"http://127.0.0.1:{service.port}"

    answer = httpx.post(
        f"{base}/mcp", json=build_message("tools/list"), headers=headers
    )

    assert answer.status_code == 401
    assert text in answer.json()["error"]["message"]
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith("Bearer ")
    assert ("invalid_token" in challenge) == (authorization is not None)
    metadata_url = challenge.partition('resource_metadata="')[2].partition('"')[0]
    assert metadata_url.endswith("/.well-known/oauth-protected-resource")
    metadata = httpx.get(metadata_url).json()
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
def test_a_dns_rebinding_page_is_refused(world: World, headers: dict[str, str]) -> None:
    answer = post(world, build_message("tools/list"), **headers)

    assert answer.status_code == 403
    error = answer.json()["error"]["message"]
    assert "PUBLIC_URL" in error or "CORS_ALLOWED_ORIGINS" in error


def test_the_public_url_is_an_allowed_origin(world: World) -> None:
    origin = f"http://localhost:{world.admin.port}"

    answer = post(world, build_message("tools/list"), Origin=origin)

    assert answer.status_code == 200
