"""What the measured service holds: live optimizations, a trained policy, an API key."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from benchmarks.local_service import LocalService

BATCH_SIZE = 500
HISTORY_USERS = 4_000
TRAIN_SECONDS = 120.0
CALL_SECONDS = 60.0
CONTEXT = {"device": "mobile", "country": "de"}
METRIC = {
    "name": "Signup",
    "sql": "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards "
    "WHERE name = 'signup' AND timestamp_utc >= @start_date",
    "column_mapping": {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "reward_type": "bool",
    },
}
DESIGN = {"headline": ["a", "b"], "color": ["red", "blue"]}
CONTEXTS = {"device": ["mobile", "desktop"], "country": ["de", "us", "fr"]}


class RefusedError(Exception):
    """The service answered with an error; the message has the path and the answer."""


@dataclass(slots=True)
class World:
    """The API of one service as one organization, and the ids it made there."""

    service: LocalService
    token: str
    key: str = ""
    model_id: str = ""
    optimization_ids: list[str] = field(default_factory=list)

    @property
    def optimization_id(self) -> str:
        """The optimization that is served."""
        return self.optimization_ids[0]

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        """Return the answer of one call. Raises RefusedError."""
        response = httpx.request(
            method,
            self.service.url + path,
            json=body,
            timeout=CALL_SECONDS,
            trust_env=False,
            headers={"Authorization": f"Bearer {token or self.token}"},
        )
        if not response.is_success:
            raise RefusedError(
                f"{method} {path}: {response.status_code} {response.text}"
            )
        return response.json() if response.content else None

    def serve(self, anonymous_id: str, **fields: Any) -> Any:
        """Serve one user; `fields` are added to the body."""
        body = {"anonymous_id": anonymous_id, "context": CONTEXT, **fields}
        return self.call("POST", f"/optimizations/{self.optimization_id}/serve", body)

    def has_record_field(self) -> bool:
        """Return whether `record: false` decides without a trace."""
        user = f"probe-{uuid.uuid4()}"
        self.serve(user, record=False)
        return not self.serve(user)["sticky"]

    def has_best_variants(self) -> bool:
        """Return whether one request can ask for several decisions."""
        body = {
            "anonymous_id": f"probe-{uuid.uuid4()}",
            "context": CONTEXT,
            "optimization_ids": self.optimization_ids,
        }
        try:
            self.call("POST", "/optimizations/best-variants", body)
        except RefusedError:
            return False
        return True


def build_world(service: LocalService, *, optimizations: int = 1) -> World:
    """Create live optimizations of 4 variants and 2 context factors; train the first.

    Raises RefusedError.
    """
    world = World(service, service.issue_token())
    world.key = world.call("POST", "/api-keys", {"label": "benchmark"})["secret"]
    metric = world.call("POST", "/warehouse/metrics", METRIC)
    for number in range(optimizations):
        created = world.call(
            "POST",
            "/optimizations",
            {
                "name": f"Benchmark {number}",
                "reward_metric_id": metric["id"],
                "training_data_config": _build_training_data(),
            },
        )
        world.optimization_ids.append(created["id"])
        world.model_id = world.model_id or created["model_id"]
    return world


def train_world(world: World) -> None:
    """Send a history and wait until a policy that learned from it is published."""
    rng = np.random.default_rng(1)
    users = [f"history-{uuid.uuid4()}" for _ in range(HISTORY_USERS)]
    exposures = [_build_exposure(world, rng, user) for user in users]
    rewards = [
        {"anonymous_id": user, "name": "signup"} for user in users if rng.random() < 0.1
    ]
    for kind, events in (("exposures", exposures), ("rewards", rewards)):
        for start in range(0, len(events), BATCH_SIZE):
            batch = {"events": events[start : start + BATCH_SIZE]}
            world.call("POST", f"/ingest/{kind}", batch, world.key)
    world.call("POST", f"/models/{world.model_id}/train")
    deadline = time.monotonic() + TRAIN_SECONDS
    while world.call("GET", f"/models/{world.model_id}/policy")["version"] < 1:
        if time.monotonic() > deadline:
            raise RefusedError("No policy was published: see the worker's log.")
        time.sleep(0.5)


def _build_exposure(
    world: World, rng: np.random.Generator, user: str
) -> dict[str, Any]:
    return {
        "anonymous_id": user,
        "optimization_id": world.optimization_id,
        "variant": _draw_levels(rng, DESIGN),
        "context": _draw_levels(rng, CONTEXTS),
    }


def _draw_levels(
    rng: np.random.Generator, factors: dict[str, list[str]]
) -> dict[str, str]:
    return {name: str(rng.choice(levels)) for name, levels in factors.items()}


def _build_training_data() -> dict[str, Any]:
    def build_factors(factors: dict[str, list[str]]) -> list[dict[str, Any]]:
        return [
            {"name": name, "dtype": "str", "levels": levels}
            for name, levels in factors.items()
        ]

    return {
        "reward": {"name": "signup", "type": "bool"},
        "design_factors": build_factors(DESIGN),
        "context_factors": build_factors(CONTEXTS),
    }
