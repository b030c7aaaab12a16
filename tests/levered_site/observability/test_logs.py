"""Logs: JSON lines with the request id and without secrets."""

import io
import json
import logging
from typing import Any

import pytest
import structlog

from levered_site.observability import logs


def capture_line(write: Any) -> dict[str, Any]:
    """Return the parsed JSON line of one write to a logger."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.build_formatter())
    logger = logging.getLogger("tests.logged")
    logger.setLevel("INFO")  # whatever level another test set on the root logger
    logger.addHandler(handler)
    try:
        write(logger)
    finally:
        logger.removeHandler(handler)
    line: dict[str, Any] = json.loads(stream.getvalue())
    return line


def test_a_log_line_is_json_with_the_request_id() -> None:
    with structlog.contextvars.bound_contextvars(request_id="req_1"):
        line = capture_line(
            lambda log: log.warning("slow %s", "store", extra={"ms": 12})
        )

    assert line["event"] == "slow store"
    assert line["request_id"] == "req_1"
    assert line["level"] == "warning"
    assert line["ms"] == 12
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer SECRET-SECRET",
        "postgres://levered:SECRET@db.example/x failed",
        "key lev_SECRETSECRETSECRET is revoked",
        '{"password": "SECRET", "user": "a"}',
        "{'credentials': 'SECRET'}",
        '{"private_key": "with \\" quote SECRET"}',
        "-----BEGIN RSA PRIVATE KEY-----\nSECRET\n-----END RSA PRIVATE KEY-----",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJTRUNSRVQifQ.SECRET",
    ],
)
def test_no_secret_reaches_the_log(text: str) -> None:
    message = capture_line(lambda log: log.error("it says %s", text))
    raised = capture_line(lambda log: log.error("failed", exc_info=ValueError(text)))
    extra = capture_line(lambda log: log.error("given", extra={"password": "SECRET"}))

    assert "SECRET" not in json.dumps([message, raised, extra])
    assert message["event"].startswith("it says")
