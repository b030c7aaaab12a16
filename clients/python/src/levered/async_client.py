"""The asynchronous client: decisions that never fail, and events that arrive."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, Unpack

from levered.core import Core, Options, Settings, fill_in
from levered.decision import Ask, Context, Decision, How, Variant, build_ask
from levered.exchange import Answer, Request, run_flow_async
from levered.local.policy import Policy
from levered.management.api import AsyncApi
from levered.management.calls import TIMEOUT
from levered.management_async.resources import AsyncResources
from levered.transport import AsyncTransport


class AsyncLevered(AsyncResources):
    """A client for one event loop. Close it with `aclose`, or use `async with`.

    `api_key` is a secret key (scopes `serve` and `ingest`). Raise ValueError for a wrong
    address and for a publishable key.
    """

    def __init__(
        self, api_url: str, api_key: str = "", **options: Unpack[Options]
    ) -> None:
        self._core = Core(api_url, api_key, Settings(**options))
        self._transport = AsyncTransport(self._core.service)
        self._sending = asyncio.Lock()
        self._loading: dict[str, asyncio.Task[Policy]] = {}
        self._working: asyncio.Task[None] | None = None
        self._core.queue.on_added = self._wake
        super().__init__(AsyncApi(self._send_patiently))

    async def get_variant(
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
        decision = await self.get_decision(
            optimization_id, anonymous_id, context, fallback, **how
        )
        return decision.variant

    async def get_decision(
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
            async with asyncio.timeout(self._core.settings.timeout):
                return fill_in(await self._decide(ask), fallback)
        ids = optimization_id, anonymous_id
        return self._core.fall_back(ids, fallback, failed.error)

    async def get_variants(
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
                name: await self.get_variant(
                    name, anonymous_id, context, fallback, **how
                )
                for name, fallback in fallbacks.items()
            }
        with self._core.catch() as failed:
            asks = [build_ask(name, anonymous_id, context, **how) for name in fallbacks]
            async with asyncio.timeout(self._core.settings.timeout):
                flow = self._core.remote.decide_many(asks)
                outcomes = await run_flow_async(flow, self._transport.send)
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

    async def flush(self) -> bool:
        """Send all that waits now. Return whether nothing is left. Never raise."""
        async with self._sending:
            with self._core.reporting():
                flow = self._core.queue.send_all()
                return await run_flow_async(flow, self._transport.send)
        return False

    async def ready(self, *optimization_ids: object) -> bool:
        """Fetch policies before the first decisions. Return whether all are here."""
        with self._core.reporting():
            await asyncio.gather(
                *(self._load(str(each).lower()) for each in optimization_ids)
            )
            return True
        return False

    async def aclose(self) -> None:
        """Send what waits, once, and end."""
        for task in (self._working, *self._loading.values()):
            if task is not None:
                task.cancel()
        if self._core.queue:
            await self.flush()
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _decide(self, ask: Ask) -> Decision:
        if not self._core.is_local:
            flow = self._core.remote.decide(ask)
            return await run_flow_async(flow, self._transport.send)
        cached = self._core.policies.get(ask.optimization_id)
        policy = cached.policy
        if policy is None:
            policy = await self._load(ask.optimization_id)
        elif cached.is_due():
            self._wake()
        return self._core.decide_locally(ask, policy)

    async def _load(self, optimization_id: str) -> Policy:
        """Return a policy. Tasks that want the same one share its request."""
        task = self._loading.get(optimization_id)
        if task is None:
            flow = self._core.policies.load(optimization_id)
            task = asyncio.create_task(run_flow_async(flow, self._transport.send))
            self._loading[optimization_id] = task
            task.add_done_callback(lambda done: self._forget(optimization_id, done))
        return await asyncio.shield(task)

    def _forget(self, optimization_id: str, task: asyncio.Task[Policy]) -> None:
        self._loading.pop(optimization_id, None)
        if not task.cancelled():
            # Whoever waits for it reports it; nobody may wait any more.
            task.exception()

    async def _send_patiently(self, request: Request) -> Answer:
        return await self._transport.send(request, TIMEOUT)

    def _wake(self) -> None:
        """Send soon: what comes meanwhile shares the request."""
        # Outside of the event loop an event waits for the next one, or for `aclose`.
        with suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            if self._working is None or self._working.done():
                self._working = loop.create_task(self._work())

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(self._core.settings.flush_seconds)
            with self._core.reporting():
                flow = self._core.refresh_policies()
                await run_flow_async(flow, self._transport.send)
            await self.flush()
            if not self._core.queue:
                return
            await asyncio.sleep(self._core.queue.compute_wait())
