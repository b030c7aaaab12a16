"""The lifespan of a web process: what it does before it serves and after it stopped."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeAlias

from levered_site.web.asgi_types import AsgiApplication, Receive, Scope, Send

Hook: TypeAlias = Callable[[], Awaitable[None]]


class Lifespan:
    """Run hooks at start and stop; pass every request to the application."""

    def __init__(
        self,
        application: AsgiApplication,
        startup_hooks: Sequence[Hook] = (),
        shutdown_hooks: Sequence[Hook] = (),
    ) -> None:
        self._application = application
        self._startup_hooks = startup_hooks
        self._shutdown_hooks = shutdown_hooks

    def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> Coroutine[Any, Any, None]:
        """Return the coroutine that answers the scope."""
        if scope["type"] == "lifespan":
            return self._run_hooks(receive, send)
        return self._application(scope, receive, send)

    async def _run_hooks(self, receive: Receive, send: Send) -> None:
        """Run the hooks in their order. An exception of one ends the process."""
        await receive()
        for hook in self._startup_hooks:
            await hook()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for hook in self._shutdown_hooks:
            await hook()
        await send({"type": "lifespan.shutdown.complete"})
