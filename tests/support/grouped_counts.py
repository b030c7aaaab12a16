"""Requests that are counted in the event loop: which of them waited for their count."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from levered_site.api.grouped_rate_limits import GroupedCounter
from levered_site.api.rate_limits import Usage
from optimizations.serving import event_loop

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Counted:
    """A counted request; `waited` if its count came from the cache."""

    usage: Usage | None
    waited: bool

    @property
    def count(self) -> int | None:
        """The request's number in its window; None where it was not counted."""
        return self.usage.count if self.usage else None


async def count_one(counter: GroupedCounter, rate: str, caller: str) -> Counted:
    """Count a request. No round trip fits into the one step that it may take."""
    task = asyncio.ensure_future(counter.count_request("test", rate, caller))
    await asyncio.sleep(0)
    waited = not task.done()
    return Counted(await task, waited)


async def count_together(
    counter: GroupedCounter, rate: str, caller: str, times: int
) -> list[Counted]:
    """Count requests that come at the same moment."""
    requests = (count_one(counter, rate, caller) for _ in range(times))
    return await asyncio.gather(*requests)


def run(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine in the loop of serving, which has the client of the cache."""
    return event_loop.run_in_loop(coroutine, 20.0)
