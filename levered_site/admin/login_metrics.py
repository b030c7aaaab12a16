"""The Prometheus metric of logging in to the admin."""

from typing import Literal, TypeAlias, get_args

from prometheus_client import Counter

Outcome: TypeAlias = Literal["succeeded", "failed", "limited"]

_counter = Counter(
    "levered_staff_logins", "Attempts to log in to the admin, by outcome.", ["outcome"]
)
for _outcome in get_args(Outcome):
    _counter.labels(_outcome)  # exported as 0 before the first attempt


def count_login(outcome: Outcome) -> None:
    """Count one attempt to log in."""
    _counter.labels(outcome).inc()
