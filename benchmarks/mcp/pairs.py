"""The pairs that are compared: a request to the REST API, and the tool call for the same."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

ACCEPT = "application/json, text/event-stream"
HANDSHAKE = "2025-11-25"
MODERN = "2026-07-28"
ABOUT_CLIENT = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}

Send = Callable[[], httpx.Response]


@dataclass(frozen=True, slots=True)
class Pair:
    """The same question three times: REST, MCP with a handshake, MCP without."""

    name: str
    rest: Send
    older: Send
    newer: Send


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, as one client with one open connection."""

    client: httpx.Client
    url: str

    def rest(self, method: str, path: str, body: object = None) -> Send:
        """Write a request to the REST API."""
        content = None if body is None else json.dumps(body).encode()
        request = self.client.build_request(
            method,
            f"{self.url}{path}",
            content=content,
            headers={"Content-Type": "application/json"},
        )
        return lambda: self.client.send(request)

    def mcp(self, version: str, method: str, params: Mapping[str, Any]) -> Send:
        """Write a message to the MCP endpoint, as a client of that version does."""
        headers = {"Accept": ACCEPT, "MCP-Protocol-Version": version}
        sent = dict(params)
        if version == MODERN:
            sent["_meta"] = ABOUT_CLIENT
            headers["Mcp-Method"] = method
            if "name" in params:
                headers["Mcp-Name"] = params["name"]
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": sent}
        request = self.client.build_request(
            "POST", f"{self.url}/mcp", json=body, headers=headers
        )
        return lambda: self.client.send(request)

    def pair(self, name: str, rest: Send, tool: str, **arguments: Any) -> Pair:
        """Put a request beside the tool call for the same."""
        params = {"name": tool, "arguments": arguments}
        older, newer = (
            self.mcp(version, "tools/call", params) for version in (HANDSHAKE, MODERN)
        )
        return Pair(name, rest, older, newer)


def list_pairs(service: Service, optimization: str) -> list[Pair]:
    """List the pairs; the first is the floor: a request that asks nothing."""
    path = f"/api/v2/optimizations/{optimization}"
    user = {"anonymous_id": "benchmark", "dry_run": True}
    nothing = (
        service.mcp(version, "tools/list", {}) for version in (HANDSHAKE, MODERN)
    )
    own = {"optimization_id": optimization}
    return [
        Pair("me / tools/list", service.rest("GET", "/api/v2/me"), *nothing),
        service.pair(
            "optimization", service.rest("GET", path), "get_optimization", **own
        ),
        service.pair(
            "results", service.rest("GET", f"{path}/results"), "get_results", **own
        ),
        service.pair(
            "serve, dry run",
            service.rest("POST", f"{path}/serve", user),
            "serve_variant",
            **own,
            **user,
        ),
        service.pair(
            "overview", service.rest("GET", "/api/v2/optimizations"), "overview"
        ),
    ]
