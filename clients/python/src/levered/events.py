"""Events on their way to the service: in batches, each counted once."""

import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from levered.errors import ApiError, LeveredError, NetworkError, UnusableAnswerError
from levered.exchange import (
    Answer,
    Flow,
    Request,
    build_error,
    read_object,
    read_retry_after,
)

REWARDS_PATH = "/api/v2/ingest/rewards"
DECISIONS = "/decisions"
LARGEST_BATCH = 500
SHORTEST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
# A clock may be wrong: the service dates what is younger than this.
FRESH_SECONDS = 60.0
Kept = Callable[[str, Mapping[str, Any], Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """An event, where it is sent, and when it happened (UNIX time)."""

    path: str
    fields: Mapping[str, Any]
    at: float

    def build(self) -> dict[str, Any]:
        """Return the event as it is sent now."""
        if "timestamp" in self.fields or time.time() - self.at < FRESH_SECONDS:
            return dict(self.fields)
        moment = datetime.fromtimestamp(self.at, UTC)
        return {**self.fields, "timestamp": moment.isoformat()}


class EventQueue:
    """Events that wait. Many threads may add; one flow at a time sends."""

    def __init__(self, limit: int, report: Callable[[Exception], None]) -> None:
        self.on_kept: Kept | None = None
        self.on_added: Callable[[], None] = _do_nothing
        self._limit = limit
        self._report = report
        self._lock = threading.Lock()
        self._events: list[QueuedEvent] = []
        self._batch_size = LARGEST_BATCH
        self._failures = 0
        self._paused_until = 0.0

    def __len__(self) -> int:
        """Count the events that wait."""
        return len(self._events)

    def add(self, path: str, fields: Mapping[str, Any]) -> None:
        """Queue an event. The oldest one is lost, and reported, beyond the limit."""
        with self._lock:
            self._events.append(QueuedEvent(path, fields, time.time()))
            is_full = len(self._events) > self._limit
            if is_full:
                del self._events[0]
        if is_full:
            self._report(LeveredError("the queue is full: an event was lost"))
        self.on_added()

    def add_reward(self, fields: Mapping[str, Any]) -> None:
        """Queue a reward, with an idempotency key unless it has one."""
        key = {"idempotency_key": str(uuid.uuid4())}
        self.add(REWARDS_PATH, {**key, **fields})

    def clear(self) -> None:
        """Forget everything, as the child of a fork must: its parent sends it."""
        self._lock = threading.Lock()
        self._events = []

    def compute_wait(self) -> float:
        """Return for how many seconds nothing should be sent."""
        return max(0.0, self._paused_until - time.monotonic())

    def send_all(self) -> Flow[bool]:
        """Send everything. Return whether nothing is left; False while it must wait."""
        while self._events:
            if self.compute_wait():
                return False
            batch = self._take_batch()
            try:
                answer = yield self._build_request(batch)
                self._read_answer(batch, answer)
            except (NetworkError, UnusableAnswerError):
                self._pause(0.0)
                return False
        return True

    def _take_batch(self) -> Sequence[QueuedEvent]:
        """Return events of one path, decisions first: a reward must not precede its own."""
        with self._lock:
            events = list(self._events)
        decisions = (event for event in events if event.path.endswith(DECISIONS))
        first = next(decisions, events[0])
        return [event for event in events if event.path == first.path][
            : self._batch_size
        ]

    def _build_request(self, batch: Sequence[QueuedEvent]) -> Request:
        path = batch[0].path
        name = "decisions" if path.endswith(DECISIONS) else "events"
        return Request("POST", path, {name: [event.build() for event in batch]})

    def _read_answer(self, batch: Sequence[QueuedEvent], answer: Answer) -> None:
        status = answer.status
        if status in {200, 207}:
            self._read_receipt(batch, read_object(answer))
        elif status == 413 and len(batch) > 1:
            self._batch_size = max(1, len(batch) // 2)
        elif 400 <= status < 500 and status not in {408, 429}:
            self._remove(batch)
            self._report(_describe_refusal(batch, build_error(answer)))
        else:
            self._pause(read_retry_after(answer))

    def _read_receipt(
        self, batch: Sequence[QueuedEvent], receipt: Mapping[str, Any]
    ) -> None:
        rejected = receipt.get("rejected")
        if not isinstance(rejected, list):
            raise UnusableAnswerError("the answer is no receipt")
        self._failures = 0
        self._remove(batch)
        for each in rejected:
            self._report(LeveredError(f"an event was refused: {each.get('message')}"))
        for kept in receipt.get("kept", ()):
            if self.on_kept is not None:
                event = batch[kept["index"]]
                self.on_kept(event.path, event.fields, kept)

    def _remove(self, batch: Sequence[QueuedEvent]) -> None:
        sent = set(map(id, batch))
        with self._lock:
            self._events = [event for event in self._events if id(event) not in sent]

    def _pause(self, asked: float) -> None:
        """Try again later: twice as late each time, and not all processes at once."""
        delay = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        jitter = random.random() * delay / 2  # noqa: S311  # not secret
        self._paused_until = time.monotonic() + max(asked, delay / 2) + jitter


def _describe_refusal(batch: Sequence[QueuedEvent], error: ApiError) -> LeveredError:
    described = LeveredError(f"{len(batch)} events were refused: {error}")
    described.__cause__ = error
    return described


def _do_nothing() -> None:
    """Wake nobody."""
