"""The synchronous client: decisions that never fail, and events that arrive."""

import atexit
import os
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from levered.core import Core, Options, Settings, fill_in
from levered.csv_pages import (
    CsvPage,
    build_csv_request,
    find_next_request,
    read_page,
)
from levered.decision import Ask, Context, Decision, How, Variant, build_ask
from levered.errors import LateError
from levered.exchange import Answer, Flow, Request, run_flow
from levered.local.policy import Policy
from levered.management.api import Api
from levered.management.calls import TIMEOUT
from levered.management.resources import Resources
from levered.transport import Transport
from levered.worker import Worker

T = TypeVar("T")


class Levered(Resources):
    """A client for threads. Make one for the process; it may be shared.

    `api_key` is a secret key (scopes `serve` and `ingest`), or a token for the
    management API. Raise ValueError for a wrong address and for a publishable key.
    """

    def __init__(
        self, api_url: str, api_key: str = "", **options: Unpack[Options]
    ) -> None:
        self._core = Core(api_url, api_key, Settings(**options))
        self._transport = Transport(self._core.service)
        self._sending = threading.Lock()
        self._loading: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        delay = self._core.settings.flush_seconds
        # The thread must not keep a client alive that nobody else has.
        self._worker = Worker(_call_weakly(self._work), delay)
        self._core.queue.on_added = self._worker.wake
        weakref.finalize(self, self._worker.stop, 0).atexit = False
        self._at_exit = _call_weakly(self.close)
        atexit.register(self._at_exit)
        if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
            os.register_at_fork(after_in_child=_call_weakly(self._note_fork))
        self._api = Api(self._send_patiently)
        super().__init__(self._api)

    def get_variant(
        self,
        optimization_id: object,
        anonymous_id: str,
        context: Context | None = None,
        fallback: Variant | None = None,
        **how: Unpack[How],
    ) -> Variant:
        """Return the variant to show; the fallback whenever there is no decision.

        A factor that only the fallback has keeps the fallback's value.
        """
        return self.get_decision(
            optimization_id, anonymous_id, context, fallback, **how
        ).variant

    def get_decision(
        self,
        optimization_id: object,
        anonymous_id: str,
        context: Context | None = None,
        fallback: Variant | None = None,
        **how: Unpack[How],
    ) -> Decision:
        """Return the variant to show with what is known about it.

        Raise nothing, unless the option `raise_errors` was set.
        """
        with self._core.catch() as failed:
            ask = build_ask(optimization_id, anonymous_id, context, **how)
            return fill_in(self._decide(ask), fallback)
        ids = optimization_id, anonymous_id
        return self._core.fall_back(ids, fallback, failed.error)

    def get_variants(
        self,
        fallbacks: Mapping[str, Variant],
        anonymous_id: str,
        context: Context | None = None,
        **how: Unpack[How],
    ) -> dict[str, Variant]:
        """Return variants of several optimizations for one user, by their ids.

        `fallbacks` has the fallback of each. Remote ones come in one request for 20.
        """
        if self._core.is_local:
            return {
                name: self.get_variant(name, anonymous_id, context, fallback, **how)
                for name, fallback in fallbacks.items()
            }
        with self._core.catch() as failed:
            asks = [build_ask(name, anonymous_id, context, **how) for name in fallbacks]
            outcomes = self._run(self._core.remote.decide_many(asks))
            return self._core.choose(fallbacks, anonymous_id, outcomes)
        failures = [failed.error] * len(fallbacks)
        return self._core.choose(fallbacks, anonymous_id, failures)

    def track(
        self,
        name: str,
        anonymous_id: str,
        value: float | None = None,
        **fields: Any,
    ) -> None:
        """Queue a reward, to be sent soon.

        `fields` may be `timestamp` (text), `optimization_id`, `properties` and
        `idempotency_key`.
        """
        reward = {"name": name, "anonymous_id": anonymous_id, "value": value, **fields}
        self._core.add_reward(reward)

    def iterate_csv(
        self, path: str, body: object = None, **params: object
    ) -> Iterator[CsvPage]:
        """Yield the rows of an answer as CSV, page by page to the last one.

        `path` is that of any list or reading below `/api/v2`, such as
        `/optimizations/ID/results`; `params` are its query parameters. With a body it
        is posted. Raise ApiError, NetworkError, and UnusableAnswerError for an answer
        that has no CSV.
        """
        method = "GET" if body is None else "POST"
        request: Request | None = build_csv_request(method, path, body, params)
        while request is not None:
            answer = self._api.exchange(request)
            yield read_page(answer)
            request = find_next_request(request, answer)

    def flush(self) -> bool:
        """Send all that waits now. Return whether nothing is left. Never raise."""
        with self._sending, self._core.reporting():
            return run_flow(self._core.queue.send_all(), self._transport.send)
        return False

    def ready(self, *optimization_ids: object) -> bool:
        """Fetch policies before the first decisions. Return whether all are here."""
        with self._core.reporting():
            for each in optimization_ids:
                self._load(str(each).lower(), self._core.settings.timeout)
            return True
        return False

    def close(self) -> None:
        """Send what waits, once, and end."""
        atexit.unregister(self._at_exit)
        self._worker.stop(self._core.settings.timeout)
        if self._core.queue:
            self.flush()
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _decide(self, ask: Ask) -> Decision:
        if not self._core.is_local:
            return self._run(self._core.remote.decide(ask))
        cached = self._core.policies.get(ask.optimization_id)
        policy = cached.policy
        if policy is None:
            timeout = self._core.settings.timeout
            policy = self._load(ask.optimization_id, timeout)
        elif cached.is_due():
            self._worker.wake()
        return self._core.decide_locally(ask, policy)

    def _load(self, optimization_id: str, timeout: float) -> Policy:
        """Return a policy. Threads that want the same one share its request."""
        until = time.monotonic() + timeout
        lock = self._loading[optimization_id]
        if not lock.acquire(timeout=timeout):
            raise LateError(timeout)
        try:
            policy = self._core.policies.get(optimization_id).policy
            if policy is not None:
                return policy
            return self._run(self._core.policies.load(optimization_id), until)
        finally:
            lock.release()

    def _run(self, flow: Flow[T], until: float | None = None) -> T:
        """Run a flow within one timeout, or until then."""
        timeout = self._core.settings.timeout
        end = time.monotonic() + timeout if until is None else until

        def send(request: Request) -> Answer:
            left = end - time.monotonic()
            if left <= 0:
                raise LateError(timeout)
            return self._transport.send(request, left)

        return run_flow(flow, send)

    def _send_patiently(self, request: Request) -> Answer:
        return self._transport.send(request, TIMEOUT)

    def _work(self) -> float:
        with self._core.reporting():
            run_flow(self._core.refresh_policies(), self._transport.send)
        self.flush()
        return max(0.01, self._core.queue.compute_wait()) if self._core.queue else 0.0

    def _note_fork(self) -> None:
        """Leave the parent's events, connections and locks to the parent."""
        self._core.queue.clear()
        self._worker.reset()
        self._transport = Transport(self._core.service)
        self._sending = threading.Lock()
        self._loading = defaultdict(threading.Lock)


def _call_weakly(method: Any) -> Any:
    """Return a function that calls a method for as long as its object lives."""
    return partial(_call_if_alive, weakref.WeakMethod(method))


def _call_if_alive(reference: Any) -> Any:
    method = reference()
    return method() if method is not None else 0.0
