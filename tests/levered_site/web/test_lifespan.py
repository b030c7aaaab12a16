"""Lifespan: hooks run in their order, requests go to the application."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from levered_site.web.asgi_types import Message, Receive, Scope, Send
from levered_site.web.lifespan import Lifespan

events: list[str] = []


def build_hook(name: str) -> Callable[[], Awaitable[None]]:
    """Return a hook that notes its name."""

    async def hook() -> None:
        events.append(name)

    return hook


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Note the type of the scope."""
    events.append(scope["type"])


async def receive() -> Message:
    """Receive whatever the caller waits for."""
    return {}


async def send(message: Message) -> None:
    """Note what was sent."""
    events.append(message["type"])


def test_hooks_run_in_their_order_around_the_requests() -> None:
    events.clear()
    lifespan = Lifespan(
        application,
        [build_hook("first"), build_hook("second")],
        [build_hook("last")],
    )

    asyncio.run(lifespan({"type": "lifespan"}, receive, send))
    asyncio.run(lifespan({"type": "http"}, receive, send))

    assert events == [
        "first",
        "second",
        "lifespan.startup.complete",
        "last",
        "lifespan.shutdown.complete",
        "http",
    ]


def test_a_hook_that_fails_ends_the_start() -> None:
    async def fail() -> None:
        raise RuntimeError("no policy")

    with pytest.raises(RuntimeError):
        asyncio.run(Lifespan(application, [fail])({"type": "lifespan"}, receive, send))
