"""The compared pairs: a REST request, and the tool call that stands for it."""

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
    """The same request three times: REST, MCP with a handshake, MCP without."""

    name: str
    rest: Send
    older: Send
    newer: Send


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, and a client with one open connection to it."""

    client: httpx.Client
    url: str

    def build_rest(self, method: str, path: str, body: object = None) -> Send:
        """Build a request to the REST API."""
        content = None if body is None else json.dumps(body).encode()
        request = self.client.build_request(
            method,
            f"{self.url}{path}",
            content=content,
            headers={"Content-Type": "application/json"},
        )
        return lambda: self.client.send(request)

    def build_mcp(self, version: str, method: str, params: Mapping[str, Any]) -> Send:
        """Build a message to the MCP endpoint, as a client of that version sends it."""
        headers = {"Accept": ACCEPT, "MCP-Protocol-Version": version}
        message_params = dict(params)
        if version == MODERN:
            message_params["_meta"] = ABOUT_CLIENT
            headers["Mcp-Method"] = method
            if "name" in params:
                headers["Mcp-Name"] = params["name"]
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": method,
            "params": message_params,
        }
        request = self.client.build_request(
            "POST", f"{self.url}/mcp", json=body, headers=headers
        )
        return lambda: self.client.send(request)

    def build_pair(self, name: str, rest: Send, tool: str, **arguments: Any) -> Pair:
        """Pair a REST request with the tool call that stands for it."""
        params = {"name": tool, "arguments": arguments}
        older, newer = (
            self.build_mcp(version, "tools/call", params)
            for version in (HANDSHAKE, MODERN)
        )
        return Pair(name, rest, older, newer)


def list_pairs(service: Service, optimization: str) -> list[Pair]:
    """Return the pairs; the first is the floor: requests that do next to nothing."""
    path = f"/api/v2/optimizations/{optimization}"
    user = {"anonymous_id": "benchmark", "dry_run": True}
    listings = (
        service.build_mcp(version, "tools/list", {}) for version in (HANDSHAKE, MODERN)
    )
    target = {"optimization_id": optimization}
    rest, pair = service.build_rest, service.build_pair
    return [
        Pair("me / tools/list", rest("GET", "/api/v2/me"), *listings),
        pair("optimization", rest("GET", path), "get_optimization", **target),
        pair("results", rest("GET", f"{path}/results"), "get_results", **target),
        pair(
            "serve, dry run",
            rest("POST", f"{path}/serve", user),
            "serve_variant",
            **target,
            **user,
        ),
        pair("overview", rest("GET", "/api/v2/optimizations"), "overview"),
    ]
