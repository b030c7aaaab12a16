"""The optimization and the key of a running service that the events are sent for."""

from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks.serve.world import METRIC, RefusedError

NO_LIMITS = {"RATELIMIT_INGEST": "0", "RATELIMIT_GLOBAL": "0"}
DESIGN = [
    {"name": "headline", "dtype": "str", "levels": ["Start free", "Save hours"]},
    {"name": "layout", "dtype": "str", "levels": ["one", "two", "three"]},
]
CONTEXT = [{"name": "device", "dtype": "str", "levels": ["mobile", "desktop"]}]


@dataclass(frozen=True, slots=True)
class Target:
    """A live optimization of a running service, and a key to send its events with."""

    address: tuple[str, int]
    optimization_id: str
    secret: str


def create_target(url: str, token: str) -> Target:
    """Create a live optimization and an API key in a service. Raises RefusedError.

    `url` is the address of the API, without a slash at the end.
    """
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        metric = _post(client, "/warehouse/metrics", METRIC)
        optimization = _post(
            client,
            "/optimizations",
            {
                "name": "Ingestion benchmark",
                "training_data_config": {
                    "reward": {"name": "signup", "type": "bool"},
                    "design_factors": DESIGN,
                    "context_factors": CONTEXT,
                },
                "reward_metric_id": metric["id"],
            },
        )
        key = _post(client, "/api-keys", {"label": "Ingestion benchmark"})
        base = client.base_url
        return Target((base.host, base.port or 80), optimization["id"], key["secret"])


def _post(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = client.post(path, json=body)
    if response.is_error:
        raise RefusedError(f"POST {path}: {response.status_code} {response.text}")
    answer: dict[str, Any] = response.json()
    return answer
