"""The floor: a WSGI application that answers a fixed JSON and does nothing else."""

from collections.abc import Callable, Iterable
from typing import Any

BODY = (
    b'{"optimization_id":"3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b10","anonymous_id":"user",'
    b'"variant":{"headline":"a","color":"red"},"variant_number":1,"policy_version":1}'
)
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def _answer(
    environment: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    environment["wsgi.input"].read()
    start_response("200 OK", HEADERS)
    return (BODY,)


application = _answer
