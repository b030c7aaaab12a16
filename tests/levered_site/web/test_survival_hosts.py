"""A service that answers one name of the world also answers its own probes."""

import signal

import httpx

from levered_site.local import web_probe
from tests.support.raw_http import connect, read_response
from tests.support.running_service import Service, home_named


def _ask(service: Service, host: str) -> int:
    url = f"http://127.0.0.1:{service.port}/api/v2/docs"
    return httpx.get(url, headers={"Host": host}, timeout=20).status_code


def test_a_service_that_allows_one_host_starts_and_is_watched() -> None:
    with home_named("one host") as running:
        running.start(ALLOWED_HOSTS="levered.example")

        statuses = {
            host: _ask(running, host)
            for host in ("levered.example", "127.0.0.1", "localhost:1", "[::1]", "evil")
        }
        with connect(running.port) as connection:
            connection.sendall(web_probe.REQUEST)
            probe = read_response(connection)
        said = running.end(signal.SIGTERM)

    assert statuses == {
        "levered.example": 200,
        "127.0.0.1": 200,
        "localhost:1": 200,
        "[::1]": 200,
        "evil": 400,
    }
    assert probe.status == 200
    assert "web         ready" in said
