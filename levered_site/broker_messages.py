"""What the worker takes from the broker and cannot use: it is logged, counted, dropped."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, get_args

import structlog
from prometheus_client import Counter

Reason: TypeAlias = Literal["unreadable", "no_envelope", "no_task", "wrong_type"]

MAX_LOGGED_CHARACTERS = 200
BODY_ENCODINGS = frozenset({None, "base64"})

log = structlog.get_logger(__name__)

_counter = Counter(
    "levered_dropped_messages",
    "Entries of the broker that are no task of ours, by what is wrong with them.",
    ["reason"],
)
for _reason in get_args(Reason):
    _counter.labels(_reason)  # exported as 0 before the first one


def record_dropped(reason: Reason, what: object) -> None:
    """Log and count an entry that is dropped."""
    _counter.labels(reason).inc()
    log.error(
        "broker.message_dropped",
        reason=reason,
        what=repr(what)[:MAX_LOGGED_CHARACTERS],
    )


def is_envelope(message: object) -> bool:
    """Return whether kombu can make a message of a decoded entry of a queue."""
    if not isinstance(message, dict):
        return False
    properties, headers = message.get("properties"), message.get("headers")
    return (
        isinstance(properties, dict)
        and _are_properties(properties)
        and (headers is None or isinstance(headers, dict))
        and all(
            _is_text(message.get(f"content-{name}")) for name in ("type", "encoding")
        )
        and _is_body(message.get("body"), properties.get("body_encoding"))
    )


def _are_properties(properties: Mapping[str, Any]) -> bool:
    delivery = properties.get("delivery_info")
    if not isinstance(delivery, dict):
        return False
    texts = (delivery.get("exchange"), delivery.get("routing_key"))
    tag = properties.get("delivery_tag")
    return all(map(_is_text, texts)) and isinstance(tag, str) and tag != ""


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_body(body: object, encoding: object) -> bool:
    is_known = isinstance(encoding, str | None) and encoding in BODY_ENCODINGS
    if not is_known or not _is_text(body):
        return False
    if encoding is None or not isinstance(body, str):
        return True
    try:
        base64.b64decode(body.encode())
    except (binascii.Error, ValueError):
        return False
    return True
