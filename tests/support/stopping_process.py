"""A web process without sockets that counts three requests and is told to stop."""

import asyncio
from typing import Any

import django
from django.utils.module_loading import import_string

from levered_site.web.asgi_types import Message


async def run_process(application: Any, counter: Any) -> None:
    """Start, count and stop, sooner than counts leave that nobody waits for."""
    received = iter(("lifespan.startup", "lifespan.shutdown"))

    async def receive() -> Message:
        kind = next(received)
        if kind == "lifespan.shutdown":
            for _ in range(3):
                await counter.count_request("test", "999/d", "1.2.3.4")
        return {"type": kind}

    async def send(_message: Message) -> None:
        """Let nobody know."""

    await application({"type": "lifespan"}, receive, send)


if __name__ == "__main__":
    django.setup()  # before the application is imported: it imports models
    front = import_string("levered_site.asgi.serve_front")
    asyncio.run(
        run_process(
            import_string("levered_site.asgi.application"), front._serves._counter
        )
    )
