"""Headers that a proxy passes on as the client sent them: odd names, and the Host.

A service that answers one name of the world also answers its own probes.
"""

import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from levered_site.local import web_probe
from tests.support.raw_http import connect, read_response
from tests.support.running_service import Service, home_named, issue_token, until

METRIC = {
    "name": "Signup",
    "sql": "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards "
    "WHERE timestamp_utc >= @start_date",
    "column_mapping": {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "reward_type": "bool",
    },
}
FACTOR = {"name": "headline", "dtype": "str", "levels": ["a", "b"]}
LIMIT = 5
HOST = "levered.example"
SPELLINGS = ("X_Forwarded_For", "x_forwarded_for", "X-Forwarded_For", "X_FORWARDED-FOR")


def create_optimization(service: Service) -> str:
    """Return the id of a live optimization."""
    headers = {
        "Authorization": f"Bearer {issue_token(service.home)}",
        "X-Forwarded-For": "9.9.9.9",
    }
    base_url = f"http://127.0.0.1:{service.port}/api/v2"
    with httpx.Client(base_url=base_url, headers=headers, timeout=60) as client:
        metric = (
            client.post("/warehouse/metrics", json=METRIC).raise_for_status().json()
        )
        body = {
            "name": "Landing page",
            "reward_metric_id": metric["id"],
            "training_data_config": {
                "reward": {"name": "signup", "type": "bool"},
                "design_factors": [FACTOR],
            },
        }
        created = client.post("/optimizations", json=body).raise_for_status().json()
    return str(created["id"])


def serve(connection: socket.socket, path: str, address: str, *headers: str) -> int:
    """Send one serve request from behind a proxy and return the status."""
    body = json.dumps({"anonymous_id": "ann"})
    lines = [
        *(f"POST {path} HTTP/1.1", f"Host: {HOST}", "Content-Type: application/json"),
        *(f"Content-Length: {len(body)}", f"X-Forwarded-For: {address}"),
    ]
    connection.sendall("\r\n".join([*lines, *headers, "", body]).encode())
    return read_response(connection).status


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """Run a service that believes one proxy and allows one host."""
    settings = {
        "TRUSTED_PROXIES": "1",
        "RATELIMIT_SERVE": f"{LIMIT}/h",
        "ALLOWED_HOSTS": HOST,
    }
    with home_named("headers") as running:
        running.start(**settings)
        yield running


@pytest.mark.parametrize(
    ("query", "address", "status"),
    # Django refuses the unknown parameter, and counts the request all the same.
    [("", "8.8.8.8", 200), ("?a=1", "8.8.4.4", 400)],
    ids=["front", "django"],
)
def test_they_are_not_taken_for_the_header_with_hyphens(
    service: Service, query: str, address: str, status: int
) -> None:
    """The client would be counted under any address that it likes."""
    path = f"/api/v2/optimizations/{create_optimization(service)}/serve{query}"
    with connect(service.port) as connection:
        statuses = [
            serve(connection, path, address, f"{name}: 7.7.7.{number}")
            for number, name in enumerate(SPELLINGS * 2)
        ]
        other = serve(connection, path, f"1{address}")

    assert statuses == [status] * LIMIT + [429] * (len(statuses) - LIMIT)
    assert other == status


def _ask(service: Service, host: str) -> int:
    url = f"http://127.0.0.1:{service.port}/api/v2/docs"
    return httpx.get(url, headers={"Host": host}, timeout=20).status_code


def test_a_service_that_allows_one_host_starts_and_is_watched(service: Service) -> None:
    statuses = {
        host: _ask(service, host)
        for host in (HOST, "127.0.0.1", "localhost:1", "[::1]", "evil")
    }
    with connect(service.port) as connection:
        connection.sendall(web_probe.REQUEST)
        probe = read_response(connection)

    assert statuses == {
        HOST: 200,
        "127.0.0.1": 200,
        "localhost:1": 200,
        "[::1]": 200,
        "evil": 400,
    }
    assert probe.status == 200
    until(lambda: "web         ready" in "".join(service.said), 20)
