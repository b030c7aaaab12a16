"""A small client of the HTTP API, as anyone outside the service would write it."""

import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
from tqdm import tqdm

BATCH = 500  # the most events that one ingest call takes
Json = dict[str, Any]


class RefusedError(Exception):
    """The service answered with its error shape."""


class Client:
    """Speaks to one service as one organization."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v2", timeout=60.0)
        self._token = token
        self._secret = ""

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """Make one management call; waits and repeats when the rate limit says so.

        Raises:
            RefusedError: any other answer than a success.
        """
        return self._send(method, path, body, self._token)

    def make_key(self, label: str) -> None:
        """Make the API key that `ingest` uses from now on."""
        self._secret = self.call("POST", "/api-keys", {"label": label})["secret"]

    def ingest(self, kind: str, events: Sequence[Json], title: str = "") -> None:
        """Send events in batches; each has its idempotency key, so a repeat is safe."""
        for event in events:
            event.setdefault("idempotency_key", str(uuid.uuid4()))
        for batch in tqdm(
            list(_batches(events)), title, unit=" batch", disable=not title, leave=False
        ):
            answer = self._send(
                "POST", f"/ingest/{kind}", {"events": batch}, self._secret
            )
            if answer["rejected"]:
                raise RefusedError(str(answer["rejected"][:3]))

    def train(self, model_id: str) -> Json:
        """Train and wait for the end of the run; returns the run or the answer of 200.

        Raises:
            RefusedError: the run failed; its reason.
        """
        answer = self.call("POST", f"/models/{model_id}/train")
        path = f"/models/{model_id}/training-runs/{answer['training_run_id']}"
        while answer["status"] in {"queued", "running", "training"}:
            time.sleep(2.0)
            answer = self.call("GET", path)
        if answer["status"] not in {"succeeded", "trained"}:
            raise RefusedError(f"training {answer['status']}: {answer.get('error')}")
        return answer

    def _send(self, method: str, path: str, body: Json | None, bearer: str) -> Json:
        headers = {"Authorization": f"Bearer {bearer}"}
        while True:
            answer = self._http.request(method, path, json=body, headers=headers)
            if answer.status_code not in {429, 503}:
                break
            time.sleep(float(answer.headers.get("Retry-After", "1")))
        if answer.is_error:
            raise RefusedError(f"{method} {path}: {answer.status_code} {answer.text}")
        parsed: Json = answer.json() if answer.content else {}
        return parsed


def _batches(events: Sequence[Json]) -> Iterator[Sequence[Json]]:
    for start in range(0, len(events), BATCH):
        yield events[start : start + BATCH]
