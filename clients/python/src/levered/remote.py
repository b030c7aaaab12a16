"""Decide by asking the service."""

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from levered.decision import Ask, Decision
from levered.errors import (
    LeveredError,
    NetworkError,
    RefusedError,
    UnusableAnswerError,
)
from levered.exchange import (
    Answer,
    Flow,
    Request,
    build_error,
    read_object,
    read_retry_after,
)
from levered.local.levels import clean_context

LARGEST_BATCH = 20
RETRIED = frozenset({502, 503, 504})
SHORTEST_RETRY = 0.05
LONGEST_USER_AGENT = 500


class RemoteDecider:
    """Asks the service, and leaves it alone for as long as it asks."""

    def __init__(self) -> None:
        self._paused_until = 0.0

    def decide(self, ask: Ask) -> Flow[Decision]:
        """Return the service's decision. Raise LeveredError without one."""
        path = f"/api/v2/optimizations/{quote(ask.optimization_id, safe='')}/serve"
        answer = yield from self._request(path, ask, {})
        return _read_decision(ask, read_object(answer))

    def decide_many(self, asks: Sequence[Ask]) -> Flow[list[Decision | LeveredError]]:
        """Return a decision or an error for each, in order.

        All must be of one user and context. Raise LeveredError without an answer.
        """
        decided: list[Decision | LeveredError] = []
        for start in range(0, len(asks), LARGEST_BATCH):
            batch = asks[start : start + LARGEST_BATCH]
            ids = [ask.optimization_id for ask in batch]
            path = "/api/v2/optimizations/best-variants"
            fields = {"optimization_ids": ids}
            answer = yield from self._request(path, batch[0], fields)
            found = read_object(answer).get("decisions")
            if not isinstance(found, list) or len(found) != len(batch):
                raise UnusableAnswerError("the answer has no decisions")
            decided += map(_read_outcome, batch, found)
        return decided

    def _request(self, path: str, ask: Ask, fields: Mapping[str, Any]) -> Flow[Answer]:
        """Send a question. It is repeated once where that may help: serve is sticky."""
        if time.monotonic() < self._paused_until:
            raise NetworkError("the service asked to wait")
        body = {
            "anonymous_id": ask.anonymous_id,
            "context": clean_context(ask.context),
            "record": ask.record,
            **fields,
        }
        headers = _build_headers(ask.user_agent)
        first = Request("POST", path, body, headers=headers, is_public=True)
        delay = random.uniform(1, 3) * SHORTEST_RETRY  # noqa: S311  # not secret
        again = Request(
            "POST", path, body, headers=headers, delay=delay, is_public=True
        )
        answer = yield from _send(first, again)
        if answer.status != 200:
            self._paused_until = time.monotonic() + read_retry_after(answer)
            raise build_error(answer)
        return answer


def _build_headers(user_agent: str) -> dict[str, str]:
    """A visitor may send anything: only what a header may hold is passed on."""
    text = "".join(each for each in user_agent if " " <= each <= "~")
    return {"User-Agent": text[:LONGEST_USER_AGENT]} if text.strip() else {}


def _send(first: Request, again: Request) -> Flow[Answer]:
    try:
        answer = yield first
    except NetworkError:
        return (yield again)
    if answer.status in RETRIED and not read_retry_after(answer):
        return (yield again)
    return answer


def _read_outcome(ask: Ask, found: Any) -> Decision | LeveredError:
    if isinstance(found, dict) and isinstance(found.get("error"), dict):
        code, message = (str(found["error"].get(name)) for name in ("code", "message"))
        return RefusedError(ask.optimization_id, code, message)
    try:
        return _read_decision(ask, found)
    except LeveredError as error:
        return error


def _read_decision(ask: Ask, found: Any) -> Decision:
    if not isinstance(found, dict) or not isinstance(found.get("variant"), dict):
        raise UnusableAnswerError("there is no variant in the answer")
    return Decision(
        optimization_id=ask.optimization_id,
        anonymous_id=ask.anonymous_id,
        variant=found["variant"],
        source="remote",
        variant_number=found.get("variant_number"),
        policy_version=found.get("policy_version"),
        propensity=found.get("propensity"),
        in_holdout=found.get("in_holdout"),
    )
