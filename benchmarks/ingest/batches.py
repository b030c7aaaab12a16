"""Requests of 500 events that differ from each other at little cost to the sender."""

import gzip
import itertools
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.ingest.service import CONTEXT, DESIGN, Target

BATCH_SIZE = 500
# Stands in every id and key of a batch, and is replaced by the number of the batch.
PLACEHOLDER = "@@@@@@@@"


def stream_requests(
    target: Target, kind: str, *, has_keys: bool, is_gzipped: bool
) -> Iterator[bytes]:
    """Yield requests with new users and, if wanted, new idempotency keys, endlessly."""
    build = _build_exposure if kind == "exposures" else _build_reward
    started_at = datetime.now(UTC) - timedelta(hours=1)  # noqa: TID251 - no Django here
    events = [
        build(target, number, started_at + timedelta(milliseconds=7 * number))
        | ({"idempotency_key": f"{PLACEHOLDER}-{uuid.uuid4()}"} if has_keys else {})
        for number in range(BATCH_SIZE)
    ]
    body = json.dumps({"events": events}).encode()
    first_number = uuid.uuid4().int % 10**7 * 10
    for number in itertools.count(first_number):
        batch = body.replace(PLACEHOLDER.encode(), b"%08d" % (number % 10**8))
        yield _build_request(target, kind, batch, is_gzipped=is_gzipped)


def _build_exposure(target: Target, number: int, time: datetime) -> dict[str, Any]:
    return {
        "anonymous_id": f"{PLACEHOLDER}-{uuid.uuid4()}",
        "optimization_id": target.optimization_id,
        "variant": {
            factor["name"]: _pick(factor["levels"], number) for factor in DESIGN
        },
        "context": {
            factor["name"]: _pick(factor["levels"], number) for factor in CONTEXT
        },
        "timestamp": time.isoformat().replace("+00:00", "Z"),
        "policy_version": 1,
    }


def _build_reward(_target: Target, number: int, time: datetime) -> dict[str, Any]:
    return {
        "anonymous_id": f"{PLACEHOLDER}-{uuid.uuid4()}",
        "name": "signup" if number % 2 else "purchase",
        "value": 1 + number % 90 / 4,
        "timestamp": time.isoformat().replace("+00:00", "Z"),
    }


def _pick(levels: Any, number: int) -> Any:
    return levels[number % len(levels)]


def _build_request(
    target: Target, kind: str, body: bytes, *, is_gzipped: bool
) -> bytes:
    if is_gzipped:
        body = gzip.compress(body, compresslevel=1)
    host, port = target.address
    encoding = "Content-Encoding: gzip\r\n" if is_gzipped else ""
    head = (
        f"POST /api/v2/ingest/{kind} HTTP/1.1\r\nHost: {host}:{port}\r\n"
        f"X-API-Key: {target.secret}\r\nContent-Type: application/json\r\n{encoding}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
