"""The Prometheus metrics of serving. /metrics adds them up over all processes.

The counters of all label values are made once, because looking one up by its label costs
more than counting. The first import needs PROMETHEUS_MULTIPROC_DIR to be set already.
"""

from datetime import datetime
from typing import Literal, TypeAlias, get_args

from prometheus_client import Counter, Gauge, Histogram

from levered_site.errors import LeveredError

Outcome: TypeAlias = Literal[
    "first",  # decided and stored
    "known",  # repeated from the assignment
    "redrawn",  # the assigned variant may no longer be served
    "dry_run",
    "unrecorded",  # `record: false`, or a known crawler
    "shipped",
    "capped",  # a 429: too many new users this minute
    "refused",  # another 4xx
    "unavailable",  # a 503
]
Source: TypeAlias = Literal["memory", "database"]
Extreme: TypeAlias = Literal["oldest", "newest"]

_decision_counter = Counter(
    "levered_decisions", "Answers to serve requests, by outcome.", ["outcome"]
)
_known_user_counter = Counter(
    "levered_known_users",
    "Look-ups that found the assignment of a returning user, by where it was.",
    ["source"],
)
_batch_histogram = Histogram(
    "levered_commit_batch_size",
    "First serves written by one commit.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 400),
)
_serve_histogram = Histogram(
    "levered_serve_seconds",
    "Time from a complete serve request to its answer, the commit included.",
    buckets=(
        *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05),
        *(0.1, 0.25, 0.5, 1, 2),
    ),
)
_training_gauge = Gauge(
    "levered_policy_trained_timestamp_seconds",
    "Unix time when the policy of a live optimization was trained: the oldest and the "
    "newest of them. NaN if none was.",
    ["which"],
    multiprocess_mode="mostrecent",
)

_decisions = {name: _decision_counter.labels(name) for name in get_args(Outcome)}
_known_users = {name: _known_user_counter.labels(name) for name in get_args(Source)}


class _Tally:
    """Counts to add to counters: at once, or all together later."""

    def __init__(self) -> None:
        self.is_deferred = False
        self._counts: dict[Counter, int] = {}

    def add(self, counter: Counter) -> None:
        if self.is_deferred:
            self._counts[counter] = self._counts.get(counter, 0) + 1
        else:
            counter.inc()

    def write(self) -> None:
        counts, self._counts = self._counts, {}
        for counter, count in counts.items():
            counter.inc(count)


_tally = _Tally()


def count_decision(outcome: Outcome) -> None:
    """Count an answered serve request."""
    _tally.add(_decisions[outcome])


def count_failure(error: LeveredError) -> None:
    """Count a serve request that was answered with an error of the API."""
    if error.status == 503:
        _decisions["unavailable"].inc()
    elif error.status != 429:  # the cap counts its own, the rate limit is no decision
        _decisions["refused"].inc()


def count_known_user(source: Source) -> None:
    """Count a look-up that found a returning user's assignment."""
    _tally.add(_known_users[source])


def count_later(counter: Counter) -> None:
    """Count one more, with the counts above; call it in the loop of serving only."""
    _tally.add(counter)


def defer_counts(*, is_deferred: bool) -> None:
    """Gather the two counts above until `write_counts`, or write them at once again.

    Writing a count to the files that processes share takes microseconds. These are counted
    in the loop of serving only, so that no count is lost between threads.
    """
    _tally.is_deferred = is_deferred
    write_counts()


def write_counts() -> None:
    """Write the counts that were gathered."""
    _tally.write()


def observe_batch(size: int) -> None:
    """Record how many first serves one commit wrote."""
    _batch_histogram.observe(size)


def observe_serve(seconds: float) -> None:
    """Record how long a serve request took."""
    _serve_histogram.observe(seconds)


def set_training_times(oldest: datetime | None, newest: datetime | None) -> None:
    """Record when the policies of live optimizations were trained; None for none."""
    for which, trained_at in (("oldest", oldest), ("newest", newest)):
        _training_gauge.labels(which).set(
            trained_at.timestamp() if trained_at else float("nan")
        )
