"""Celery's consumer, which rejects a message that it fails to make a task of."""

from collections.abc import Callable
from types import NoneType
from typing import Any

from celery.worker.consumer import Consumer
from kombu.exceptions import OperationalError

from levered_site import broker_messages

CeleryConsumer: Any = Consumer
CONTENT = ("application/json", "utf-8")
TEXT = (str, NoneType)
HEADER_TYPES: dict[str, tuple[type, ...]] = {
    # No task of ours waits for a time, or is compressed.
    **dict.fromkeys(("eta", "compression", "chord", "stamped_headers"), (NoneType,)),
    **dict.fromkeys(("expires", "shadow", "group", "root_id", "parent_id"), TEXT),
    **dict.fromkeys(("lang", "argsrepr", "kwargsrepr", "origin"), TEXT),
    **dict.fromkeys(
        ("retries", "group_index", "replaced_task_nesting"), (int, NoneType)
    ),
    "ignore_result": (bool, NoneType),
}


class CheckedConsumer(CeleryConsumer):  # type: ignore[misc] # its stub is empty
    """Drops messages that are no tasks; Celery lets some of them end the worker."""

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        """Return the function that takes each message."""
        handle: Callable[[Any], Any] = super().create_task_handler(*args, **kwargs)

        def handle_checked(message: Any) -> Any:
            try:
                if not _is_task(message):
                    return self._drop(message)
                return handle(message)
            except (*self.connection_errors, *self.channel_errors, OperationalError):
                raise
            except Exception as error:  # noqa: BLE001 - wrong types raise anything
                return self._drop(message, error)

        return handle_checked

    def on_unknown_message(self, _body: Any, message: Any) -> None:
        """Reject a message that names no task."""
        self._drop(message)

    def on_unknown_task(self, _body: Any, message: Any, exc: Exception) -> None:
        """Reject the message of a task that there is not."""
        self._drop(message, exc)

    def on_invalid_task(self, _body: Any, message: Any, exc: Exception) -> None:
        """Reject a message with headers of wrong types, or of a refused content type."""
        self._drop(message, exc)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Reject a message whose body cannot be read."""
        self._drop(message, exc)

    def _drop(self, message: Any, error: Exception | None = None) -> None:
        what = {
            "error": error,
            "headers": message.headers,
            "content_type": message.content_type,
            "body": message.body,
        }
        broker_messages.record_dropped("no_task", what)
        if not message.acknowledged:
            message.reject_log_error(broker_messages.log, self.connection_errors)


def _is_task(message: Any) -> bool:
    """Return whether a message is as our tasks are sent, by Celery's second protocol.

    Celery finds other headers out when it has reserved a process for the task, which it
    then never gives back.
    """
    headers = message.headers
    return (
        (message.content_type, message.content_encoding) == CONTENT
        and all(isinstance(headers.get(name), str) for name in ("task", "id"))
        and all(
            isinstance(headers.get(name), types) for name, types in HEADER_TYPES.items()
        )
        and _is_time_limit(headers.get("timelimit"))
        and _is_body(message.decode())
    )


def _is_time_limit(limits: object) -> bool:
    """Return whether a header is absent, or the hard and the soft limit in seconds."""
    if limits is None:
        return True
    if not isinstance(limits, list) or len(limits) != 2:
        return False
    return all(limit is None or type(limit) in {int, float} for limit in limits)


def _is_body(body: object) -> bool:
    """Return whether a body is arguments, named arguments and what follows the task.

    Another one would end the process that executes it, and come back to the queue. No
    task of ours has callbacks, so nothing follows it.
    """
    if not isinstance(body, list | tuple) or len(body) != 3:
        return False
    arguments, named, following = body
    return (
        isinstance(arguments, list)
        and isinstance(named, dict)
        and isinstance(following, dict)
        and not any(following.values())
    )
