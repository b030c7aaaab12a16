"""Policies in memory: fetched, verified, and fetched again while the old one decides."""

import time
from dataclasses import dataclass
from urllib.parse import quote

from levered.errors import ApiError, LeveredError, PolicyError
from levered.exchange import Answer, Flow, Request, build_error, read_object
from levered.local.policy import Policy, parse_policy
from levered.local.signature import Verifier

FRESH_SECONDS = 30.0
PAUSE_SECONDS = 1.0


@dataclass(slots=True)
class CachedPolicy:
    """A policy and when to ask for it again, after a success or a failure."""

    policy: Policy | None = None
    etag: str = ""
    ask_at: float = 0.0
    problem: LeveredError | None = None

    def is_due(self) -> bool:
        """Return whether it is time to ask the service."""
        return time.monotonic() >= self.ask_at


class PolicyCache:
    """The policies of one client. Its flows fetch; somebody else runs them."""

    def __init__(self) -> None:
        self._verifier = Verifier()
        self._cached: dict[str, CachedPolicy] = {}

    def get(self, optimization_id: str) -> CachedPolicy:
        """Return what is known of a policy, without asking."""
        return self._cached.setdefault(optimization_id, CachedPolicy())

    def list_due(self) -> list[str]:
        """List the optimizations whose policy is old, and decides still."""
        return [
            optimization_id
            for optimization_id, cached in list(self._cached.items())
            if cached.policy is not None and cached.is_due()
        ]

    def load(self, optimization_id: str) -> Flow[Policy]:
        """Return the policy; the old one only if there is a newer one to be had.

        Raise PolicyError, ApiError or NetworkError without one. After a failure the
        service is left alone for a second, and for as long as it asks.
        """
        cached = self.get(optimization_id)
        if cached.is_due():
            cached.ask_at = time.monotonic() + PAUSE_SECONDS
            try:
                yield from self._refresh(optimization_id, cached)
            except LeveredError as error:
                self._note_failure(cached, error)
                raise
        if cached.policy is None:
            message = f"the policy could not be loaded: {cached.problem}"
            raise PolicyError(message) from cached.problem
        return cached.policy

    def _refresh(self, optimization_id: str, cached: CachedPolicy) -> Flow[None]:
        headers = {"If-None-Match": cached.etag} if cached.etag else {}
        path = f"/api/v2/optimizations/{quote(optimization_id, safe='')}/policy"
        answer = yield Request("GET", path, headers=headers)
        if answer.status == 200:
            yield from self._accept(optimization_id, cached, answer)
        elif answer.status != 304 or cached.policy is None:
            raise build_error(answer)
        cached.problem = None
        cached.ask_at = time.monotonic() + FRESH_SECONDS

    def _accept(
        self, optimization_id: str, cached: CachedPolicy, answer: Answer
    ) -> Flow[None]:
        yield from self._verifier.verify(answer)
        policy = parse_policy(read_object(answer))
        if policy.optimization_id != optimization_id:
            raise PolicyError("the answer is the policy of another optimization")
        if cached.policy is None or policy.revision >= cached.policy.revision:
            cached.policy = policy
            cached.etag = answer.headers.get("etag", "")

    def _note_failure(self, cached: CachedPolicy, error: LeveredError) -> None:
        cached.problem = error
        if isinstance(error, ApiError):
            cached.ask_at = time.monotonic() + max(PAUSE_SECONDS, error.retry_after)
            if error.status == 404:
                cached.policy, cached.etag = None, ""
