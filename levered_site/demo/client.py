"""A small client of the HTTP API; it imports nothing of the service."""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
from tqdm import tqdm

BATCH_SIZE = 500  # the most events that one ingest call takes
CLOCK_REQUESTER = "system:clock"  # `requested_by` of a run that the schedule started
POLL_SECONDS = 1.0  # the rate limit allows 100 calls a minute
Json = dict[str, Any]


class RefusedError(Exception):
    """The service answered with an error, or a training run failed."""


class Client:
    """Calls one service as one organization."""

    def __init__(self, url: str, token: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v2", timeout=60.0)
        self._token = token
        self._secret = ""

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """Make one management call; wait and repeat it on 429 and 503.

        Raises RefusedError for any other error.
        """
        return self._send_request(method, path, body, self._token)

    def make_key(self, label: str) -> None:
        """Create the API key that `ingest` uses."""
        self._secret = self.call("POST", "/api-keys", {"label": label})["secret"]

    def ingest(self, kind: str, events: Sequence[Json], title: str = "") -> None:
        """Send events in batches, with idempotency keys that make a repeat safe.

        Raises RefusedError if the service rejects an event.
        """
        for event in events:
            event.setdefault("idempotency_key", str(uuid.uuid4()))
        for batch in tqdm(
            list(_split_batches(events)),
            title,
            unit=" batch",
            disable=not title,
            leave=False,
        ):
            result = self._send_request(
                "POST", f"/ingest/{kind}", {"events": batch}, self._secret
            )
            if result["rejected"]:
                raise RefusedError(str(result["rejected"][:3]))

    def train(self, model_id: str, title: str = "") -> Json:
        """Train and wait for the run to end; with a title, show a progress bar.

        Raises RefusedError with the reason if the run fails.
        """
        run = self._train_once(model_id, title)
        if run["requested_by"] == CLOCK_REQUESTER:
            # It joined a scheduled run that began before the last events were sent.
            run = self._train_once(model_id, title)
        return run

    def _train_once(self, model_id: str, title: str) -> Json:
        # Without a bar the call itself waits for the run, which takes fewer calls.
        prefer = {"Prefer": "respond-async"} if title else {}
        path = f"/models/{model_id}"
        started = self._send_request("POST", f"{path}/train", None, self._token, prefer)
        path = f"{path}/training-runs/{started['training_run_id']}"
        run = self.call("GET", path)
        bar_format = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}"
        with tqdm(
            total=1.0, desc=title, disable=not title, leave=False, bar_format=bar_format
        ) as bar:
            while run["status"] in {"queued", "running"}:
                bar.update(run["progress"] - bar.n)
                time.sleep(POLL_SECONDS)
                run = self.call("GET", path)
        if run["status"] != "succeeded":
            raise RefusedError(f"training {run['status']}: {run['error']}")
        return run

    def _send_request(
        self,
        method: str,
        path: str,
        body: Json | None,
        bearer: str,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Json:
        headers = {"Authorization": f"Bearer {bearer}", **(extra_headers or {})}
        while True:
            response = self._http.request(method, path, json=body, headers=headers)
            if response.status_code not in {429, 503}:
                break
            time.sleep(float(response.headers.get("Retry-After", "1")))
        if response.is_error:
            raise RefusedError(
                f"{method} {path}: {response.status_code} {response.text}"
            )
        document: Json = response.json() if response.content else {}
        return document


def _split_batches(events: Sequence[Json]) -> Iterator[Sequence[Json]]:
    for start in range(0, len(events), BATCH_SIZE):
        yield events[start : start + BATCH_SIZE]
