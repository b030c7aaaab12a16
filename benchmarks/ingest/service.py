"""Start the service of a checkout on loopback, with stores of its own, and stop it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

START_SECONDS, STOP_SECONDS = 90.0, 30.0
NO_LIMITS = {"RATELIMIT_INGEST": "0", "RATELIMIT_GLOBAL": "0"}
DESIGN = [
    {"name": "headline", "dtype": "str", "levels": ["Start free", "Save hours"]},
    {"name": "layout", "dtype": "str", "levels": ["one", "two", "three"]},
]
CONTEXT = [{"name": "device", "dtype": "str", "levels": ["mobile", "desktop"]}]
SIGNUP_SQL = (
    "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards WHERE name = 'signup'"
)


class StartError(Exception):
    """A service did not start."""


@dataclass(frozen=True, slots=True)
class Target:
    """A live optimization of a running service, and a key to send its events with."""

    address: tuple[str, int]
    optimization_id: str
    secret: str


@contextmanager
def run_service(checkout: Path) -> Iterator[Target]:
    """Run the service of a checkout in a new home without limits on requests.

    Raises StartError if it is not ready within 90 s.
    """
    port = _find_free_port()
    with tempfile.TemporaryDirectory(prefix="levered-bench-") as folder:
        Path(folder).chmod(0o755)  # Postgres runs as another user where this is root
        environment = os.environ | NO_LIMITS
        environment |= {"LEVERED_HOME": f"{folder}/home", "PORT": str(port)}
        manage = [sys.executable, "manage.py"]
        with (Path(folder) / "log").open("w") as log:
            process = subprocess.Popen(
                [*manage, "up"], cwd=checkout, env=environment, stdout=log, stderr=log
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, process)
            token = subprocess.check_output(
                [*manage, "issue_token", "--org", "org_demo", "--role", "admin"],
                cwd=checkout,
                env=environment,
                text=True,
            )
            yield create_target(url, token.strip())
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_SECONDS)


def create_target(url: str, token: str) -> Target:
    """Create a live optimization and an API key in a running service."""
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{url}/api/v2", headers=headers, timeout=30) as client:
        mapping = {"anonymous_id": "anonymous_id", "timestamp": "timestamp_utc"}
        metric = _post(
            client,
            "/warehouse/metrics",
            {
                "name": "Signup",
                "sql": SIGNUP_SQL,
                "column_mapping": {**mapping, "reward_type": "bool"},
            },
        )
        optimization = _post(
            client,
            "/optimizations",
            {
                "name": "Ingestion benchmark",
                "model_type": "cmab",
                "training_data_config": {
                    "reward": {"name": "signup", "type": "bool"},
                    "design_factors": DESIGN,
                    "context_factors": CONTEXT,
                },
                "reward_metric_id": metric["id"],
                "status": "live",
            },
        )
        key = _post(client, "/api-keys", {"label": "Ingestion benchmark"})
        base = client.base_url
        return Target((base.host, base.port or 80), optimization["id"], key["secret"])


def _post(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = client.post(path, json=body)
    if response.is_error:
        raise StartError(f"{path}: {response.status_code} {response.text}")
    answer: dict[str, Any] = response.json()
    return answer


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise StartError(
        f"the service at {url} is not ready; run `manage.py up` to see why"
    )
