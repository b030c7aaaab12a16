"""A small client of the HTTP API; it imports nothing of the service."""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any
from urllib.parse import quote

import httpx
from tqdm import tqdm

BATCH_SIZE = 500  # the most events or decisions that one call takes
CLOCK_REQUESTER = "system:clock"  # `requested_by` of a run that the schedule started
POLL_SECONDS = 1.0  # the rate limit allows 100 calls a minute
Json = dict[str, Any]


class RefusedError(Exception):
    """The service answered with an error, or a training run failed."""


class Client:
    """Calls one service as one organization."""

    def __init__(
        self, url: str, token: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        base_url = f"{url}/api/v2"
        self._http = httpx.Client(base_url=base_url, timeout=60.0, transport=transport)
        self._token = token
        self._secret = ""

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """Make one management call; wait and repeat it on 429 and 503.

        Raises RefusedError for any other error.
        """
        return self._send_request(method, path, body, self._token)

    def make_key(self, label: str) -> None:
        """Create the API key that `ingest` and `record_decisions` use."""
        body = {"label": label, "scopes": ["ingest", "serve"]}
        self._secret = self.call("POST", "/api-keys", body)["secret"]

    def choose_suffix(self, names: Sequence[str]) -> str:
        """Return what makes these names of optimizations new: nothing, or a number."""
        taken = self._list_names()
        suffixes = ("" if number == 1 else f" ({number})" for number in count(1))
        return next(
            suffix
            for suffix in suffixes
            if taken.isdisjoint(name + suffix for name in names)
        )

    def _list_names(self) -> set[str]:
        """Return the names of all optimizations, archived ones included."""
        names: set[str] = set()
        path = "/optimizations?include_archived=true&limit=100"
        cursor: str | None = ""
        while cursor is not None:
            page = self.call(
                "GET", path + (f"&cursor={quote(cursor)}" if cursor else "")
            )
            names.update(row["name"] for row in page["optimizations"])
            cursor = page["next_cursor"]
        return names

    def upload_screenshot(self, optimization_id: str, number: int, png: bytes) -> None:
        """Store a PNG as the screenshot of a variant."""
        response = self._http.put(
            f"/optimizations/{optimization_id}/variants/by-number/{number}/screenshot",
            content=png,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "image/png",
            },
        )
        _require_success(response)

    def record_decisions(self, optimization_id: str, decisions: Sequence[Json]) -> None:
        """Send decisions that were made by the policy, in batches.

        Raises RefusedError if the service rejects one.
        """
        path = f"/optimizations/{optimization_id}/decisions"
        for batch in _split_batches(decisions):
            result = self._send_request(
                "POST", path, {"decisions": batch}, self._secret
            )
            if result["rejected"]:
                raise RefusedError(str(result["rejected"][:3]))

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
        _require_success(response)
        document: Json = response.json() if response.content else {}
        return document


def _require_success(response: httpx.Response) -> None:
    if response.is_error:
        request = response.request
        raise RefusedError(
            f"{request.method} {request.url.path}: {response.status_code} {response.text}"
        )


def _split_batches(events: Sequence[Json]) -> Iterator[Sequence[Json]]:
    for start in range(0, len(events), BATCH_SIZE):
        yield events[start : start + BATCH_SIZE]
