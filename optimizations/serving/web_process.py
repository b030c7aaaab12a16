"""What serving does when a web process starts and stops."""

from optimizations.serving import assignments, event_loop
from optimizations.serving.snapshot_poller import poller


async def start_serving() -> None:
    """Let the running loop store assignments and poll snapshots."""
    event_loop.register_running_loop()
    poller.start()


async def stop_serving() -> None:
    """Stop polling, and wait until what was claimed is stored."""
    await poller.stop()
    await assignments.drain()
    event_loop.unregister_loop()
