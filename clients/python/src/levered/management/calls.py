"""Calls of the management API: repeated where that is safe, page after page."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from levered.errors import NetworkError
from levered.exchange import (
    Answer,
    Flow,
    Request,
    build_error,
    read_object,
    read_retry_after,
)
from levered.transport import BASE_PATH

ATTEMPTS = 4
LONGEST_WAIT = 30.0
# A training is waited for in small steps; a query may take half a minute.
TIMEOUT = 90.0
PAGE_SIZE = "100"
BUSY = frozenset({429, 503, 504})


def build_path(*parts: object) -> str:
    """Return the path of a resource: each part is quoted."""
    return "/".join((BASE_PATH, *(quote(str(part), safe="") for part in parts)))


def build_request(
    method: str,
    path: str,
    body: object = None,
    params: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Request:
    """Build a call. A POST gets an idempotency key, so that it can be repeated."""
    all_headers = dict(headers or {})
    if method == "POST":
        all_headers.setdefault("Idempotency-Key", str(uuid.uuid4()))
    return Request(
        method,
        path,
        body,
        params=_write_params(params or {}),
        headers=all_headers,
    )


def call(request: Request) -> Flow[Answer]:
    """Return the answer of a success. Raise ApiError or NetworkError."""
    for attempt in range(ATTEMPTS):
        is_last = attempt == ATTEMPTS - 1
        wait = random.uniform(0.5, 1) * 2**attempt / 2  # noqa: S311  # not secret
        try:
            answer = yield request
        except NetworkError:
            if is_last or request.method not in {"GET", "POST"}:
                raise
        else:
            if answer.status < 400:
                return answer
            wait = max(wait, read_retry_after(answer))
            if is_last or answer.status not in BUSY or wait > LONGEST_WAIT:
                raise build_error(answer)
        request = replace(request, delay=wait)
    raise AssertionError("the last attempt returns or raises")


def read_document(answer: Answer) -> dict[str, Any]:
    """Return a resource without `meta`. Empty for an answer without a body."""
    if not answer.content:
        return {}
    document = read_object(answer)
    document.pop("meta", None)
    return document


def next_page(request: Request, page: Mapping[str, Any]) -> Request | None:
    """Return the request for the page after this one, if there is one."""
    cursor = page.get("next_cursor")
    if not cursor:
        return None
    return replace(request, params={**request.params, "cursor": cursor})


def _write_params(params: Mapping[str, object]) -> dict[str, str]:
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in params.items()
        if value is not None
    }
