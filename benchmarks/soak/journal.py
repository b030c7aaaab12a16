"""What the clients of a soak saw: every answer, event, bar, kill and refusal."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

RETRYABLE = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Answer:
    """One acknowledged serve. Times are seconds of the epoch; `timestamp` is ISO 8601."""

    user: str
    sent_at: float
    received_at: float
    variant_number: int
    policy_version: int
    timestamp: str


@dataclass(slots=True)
class Bar:
    """A variant that was disabled for a while. Times are seconds of the epoch.

    `requested_at` is when it was asked for, `confirmed_at` when that was acknowledged,
    `lifted_at` when enabling it again was asked for; infinite until then.
    """

    number: int
    requested_at: float
    confirmed_at: float = float("inf")
    lifted_at: float = float("inf")


@dataclass(frozen=True, slots=True)
class Kill:
    """A process that was killed, and when."""

    part: str
    at: float


@dataclass(slots=True)
class Journal:
    """Everything that the clients saw. Threads append; nobody removes.

    `answers` are of the optimization whose variants are barred, `other_answers` of the
    world's second one. `unrecorded` are users who were decided for with `record: false`
    only. `rewards` and `exposures` are the acknowledged events, by their unique value and
    user. `broken_at` are the times at which a connection broke.
    """

    answers: list[Answer] = field(default_factory=list)
    other_answers: list[Answer] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    rewards: list[int] = field(default_factory=list)
    exposures: list[str] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    training_run_ids: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    broken_at: list[float] = field(default_factory=list)
    wrong_answers: list[str] = field(default_factory=list)

    def note_status(self, status: int, request: str, body: Any) -> None:
        """Count a response; keep it if a client could not know what to do with it."""
        self.statuses[status] += 1
        if status >= 300 and status not in RETRYABLE:
            self.wrong_answers.append(f"{status} for {request}: {str(body)[:200]}")
