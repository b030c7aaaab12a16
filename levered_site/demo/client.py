"""A small client of the HTTP API, as anyone outside the service would write it."""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
from tqdm import tqdm

BATCH_SIZE = 500  # the most events that one ingest call takes
CLOCK_REQUESTER = "system:clock"  # who asks for a run whose time has come
POLL_SECONDS = 1.0  # a run is asked about this often: the limit is 100 calls a minute
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
        return self._send_request(method, path, body, self._token)

    def make_key(self, label: str) -> None:
        """Make the API key that `ingest` uses from now on."""
        self._secret = self.call("POST", "/api-keys", {"label": label})["secret"]

    def ingest(self, kind: str, events: Sequence[Json], title: str = "") -> None:
        """Send events in batches; each has its idempotency key, so a repeat is safe."""
        for event in events:
            event.setdefault("idempotency_key", str(uuid.uuid4()))
        for batch in tqdm(
            list(_split_batches(events)),
            title,
            unit=" batch",
            disable=not title,
            leave=False,
        ):
            answer = self._send_request(
                "POST", f"/ingest/{kind}", {"events": batch}, self._secret
            )
            if answer["rejected"]:
                raise RefusedError(str(answer["rejected"][:3]))

    def train(self, model_id: str, title: str = "") -> Json:
        """Train and wait for the end of the run; with a title, a bar shows how far it is.

        Raises:
            RefusedError: the run failed; its reason.
        """
        run = self._train_once(model_id, title)
        if run["requested_by"] == CLOCK_REQUESTER:
            # It joined a run of the clock's, begun before the last events were sent.
            run = self._train_once(model_id, title)
        return run

    def _train_once(self, model_id: str, title: str) -> Json:
        # Waiting inside the call costs fewer calls; from outside one sees it move.
        prefer = {"Prefer": "respond-async"} if title else {}
        path = f"/models/{model_id}"
        asked = self._send_request("POST", f"{path}/train", None, self._token, prefer)
        path = f"{path}/training-runs/{asked['training_run_id']}"
        run = self.call("GET", path)
        shape = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}"
        with tqdm(
            total=1.0, desc=title, disable=not title, leave=False, bar_format=shape
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
        more: Mapping[str, str] | None = None,
    ) -> Json:
        headers = {"Authorization": f"Bearer {bearer}", **(more or {})}
        while True:
            answer = self._http.request(method, path, json=body, headers=headers)
            if answer.status_code not in {429, 503}:
                break
            time.sleep(float(answer.headers.get("Retry-After", "1")))
        if answer.is_error:
            raise RefusedError(f"{method} {path}: {answer.status_code} {answer.text}")
        parsed: Json = answer.json() if answer.content else {}
        return parsed


def _split_batches(events: Sequence[Json]) -> Iterator[Sequence[Json]]:
    for start in range(0, len(events), BATCH_SIZE):
        yield events[start : start + BATCH_SIZE]
