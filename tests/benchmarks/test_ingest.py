"""The ingestion benchmark sends batches that differ, and compressed ones that are alike."""

import gzip
import itertools
from typing import Any

import orjson
import pytest

from benchmarks.ingest import batches
from benchmarks.ingest.service import Target

TARGET = Target(("localhost", 3100), "3f2b8c1e-6f0d-4a55-9a1c-0d5f1f0e7a11", "lev_x")


def _read_batches(kind: str, **options: bool) -> list[list[dict[str, Any]]]:
    """Return the events of the first two requests."""
    requests = batches.stream_requests(
        TARGET, kind, **{"has_keys": False, "is_gzipped": False, **options}
    )
    bodies = []
    for request in itertools.islice(requests, 2):
        head, _, body = request.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head
        bodies.append(gzip.decompress(body) if b"gzip" in head else body)
    return [orjson.loads(body)["events"] for body in bodies]


@pytest.mark.parametrize("kind", ["exposures", "rewards"])
@pytest.mark.parametrize("is_gzipped", [True, False])
def test_every_user_and_every_key_comes_once(kind: str, is_gzipped: bool) -> None:
    first, second = _read_batches(kind, has_keys=True, is_gzipped=is_gzipped)

    for name in ("anonymous_id", "idempotency_key"):
        texts = {event[name] for event in [*first, *second]}
        assert len(texts) == 2 * batches.BATCH_SIZE
        assert not any(batches.PLACEHOLDER in text for text in texts)


def test_keys_are_left_out_where_they_are_not_wanted() -> None:
    first, _ = _read_batches("rewards")

    assert not any("idempotency_key" in event for event in first)
