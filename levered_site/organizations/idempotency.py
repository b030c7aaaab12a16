"""Idempotency-Key: repeats of a POST get its first response again, for 24 hours.

Only POSTs that create something take one (`OrganizationViewSet.read_only_actions`).
"""

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.response import Response

from levered_site.api import responses
from levered_site.database import hold_session_lock
from levered_site.errors import (
    ConflictError,
    InvalidParametersError,
    QueryRefusedError,
)
from levered_site.limits import MAX_IDEMPOTENCY_KEY_LENGTH
from levered_site.organizations.models import IdempotentAnswer

HEADER = "Idempotency-Key"
RETENTION = timedelta(hours=24)
# A request that died between claim and response leaves its claim behind, but not its
# lock: a repeat takes the claim over. Where Postgres does not notice that the process is
# gone, as after the loss of a machine, it does so after this time: no request lasts as
# long.
STALE_AFTER = timedelta(seconds=60)
# A created resource is smaller by far. Larger responses are not kept for a day.
MAX_STORED_BYTES = 256 * 1024
STORED_HEADERS = ("Location", "ETag", "Preference-Applied")

# A refusal is kept only where it follows from the request alone. All others depend on the
# moment: limits, quotas, locks, what exists, who may do what, the state of a warehouse.
KEPT_REFUSALS = frozenset({400})

OTHER_BODY = "This Idempotency-Key was used with another body; send a new key."
IN_PROGRESS = (
    "The first request with this Idempotency-Key is in progress; retry in a moment."
)
UNREPEATABLE_ANSWER = (
    "A request with this Idempotency-Key has been answered. Its response held a secret, "
    "which is shown once, or was too large, and is not stored."
)


@dataclass(frozen=True, slots=True)
class Claim:
    """The claim of a request on its key; `claimed_at` tells it from a later claim."""

    pk: int
    claimed_at: datetime


class IdempotentReplayError(Exception):
    """Raised for a repeat; carries the first response past the handler."""

    def __init__(self, stored: IdempotentAnswer) -> None:
        super().__init__(stored.key)
        self.stored = stored

    def build_response(self) -> Response:
        """Return the first response; its `meta` holds the id of this request."""
        body = bytes(self.stored.body or b"")
        return Response(
            orjson.loads(body) if body else None,
            status=self.stored.status,
            headers={**self.stored.headers, "Idempotent-Replayed": "true"},
        )


def claim_key(
    request: HttpRequest, organization_id: str, request_scope: ExitStack
) -> Claim | None:
    """Claim the key of a request; None if it carries none.

    The key's lock is held until the end of `request_scope`, which is to end after the
    commit of what the request changes.

    Raises:
        IdempotentReplayError: the key has a response, which is to be sent again.
        ConflictError: the body differs, the first request is in progress, or its
            response held a secret or was too large to store.
        InvalidParametersError: the key is empty, too long or not printable.
    """
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH or not key.isprintable():
        raise InvalidParametersError.for_field(
            HEADER, f"must have 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} printable characters"
        )
    new_row = IdempotentAnswer(
        organization_id=organization_id,
        method=request.method or "",
        path=request.path[:500],
        key=key,
        body_digest=_hash_request(request),
    )
    number = compute_lock_number(organization_id, new_row.method, new_row.path, key)
    # Whoever holds it runs the first request.
    has_lock = request_scope.enter_context(hold_session_lock(number))
    return _store_claim(new_row, has_lock=has_lock)


def compute_lock_number(*parts: str) -> int:
    """Return the number of the session lock of a key, which is named by `parts`."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def _store_claim(new_row: IdempotentAnswer, *, has_lock: bool) -> Claim:
    """Store the claim; a claim without an answer that nobody has the lock of is dead."""
    now = timezone.now()
    rows_of_key = IdempotentAnswer.objects.filter(
        organization_id=new_row.organization_id,
        method=new_row.method,
        path=new_row.path,
        key=new_row.key,
    )
    is_stale = Q(created_at__lt=now - STALE_AFTER)
    is_stale |= Q(created_at__gt=now + STALE_AFTER)  # before the clock was set back
    is_dead = Q(status=None) if has_lock else Q(status=None) & is_stale
    deleted, _ = rows_of_key.filter(
        Q(created_at__lt=now - RETENTION) | is_dead
    ).delete()
    if has_lock or deleted:
        try:
            with transaction.atomic():
                new_row.save(force_insert=True)
        except IntegrityError:
            pass
        else:
            return Claim(new_row.pk, new_row.created_at)
    stored = rows_of_key.first()
    if stored is None:  # claimed or released this moment: the client may retry
        raise ConflictError(IN_PROGRESS, retry_after=1)
    _refuse_conflict(stored, new_row.body_digest)
    raise IdempotentReplayError(stored)


def _refuse_conflict(stored: IdempotentAnswer, body_digest: str) -> None:
    if stored.body_digest != body_digest:
        raise ConflictError(OTHER_BODY)
    if stored.status is None:
        raise ConflictError(IN_PROGRESS, retry_after=1)
    if stored.body is None:
        raise ConflictError(UNREPEATABLE_ANSWER)


def is_final(response: Response, error: Exception | None) -> bool:
    """Return whether the same request would get the same response at any other time.

    `error` is what the response was made of; None for a success.
    """
    if response.status_code < 400:
        return True
    is_kept = response.status_code in KEPT_REFUSALS
    return is_kept and not isinstance(error, QueryRefusedError)


def store_response(claim: Claim, response: Response, *, has_secret: bool) -> None:
    """Store a final response for repeats.

    Call it in the transaction of the changes that the response reports. The body of a
    success that `has_secret` is not stored, nor a very large one.
    """
    claimed_rows = IdempotentAnswer.objects.filter(
        pk=claim.pk, created_at=claim.claimed_at
    )
    hides_body = has_secret and response.status_code < 400
    claimed_rows.update(
        status=response.status_code,
        headers=_select_headers(response.headers),
        body=None if hides_body else _serialize_body(response.data),
    )


def release_claim(claim: Claim) -> None:
    """Release a key without a final response, so that a repeat runs again."""
    IdempotentAnswer.objects.filter(pk=claim.pk, created_at=claim.claimed_at).delete()


def delete_expired(now: datetime) -> int:
    """Delete responses older than 24 hours; return how many. Celery beat calls this."""
    deleted, _ = IdempotentAnswer.objects.filter(
        created_at__lt=now - RETENTION
    ).delete()
    return deleted


def _hash_request(request: HttpRequest) -> str:
    query = request.META.get("QUERY_STRING", "").encode()
    return hashlib.sha256(query + b"\0" + request.body).hexdigest()


def _select_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in STORED_HEADERS if name in headers}


def _serialize_body(data: Any) -> bytes | None:
    """Return the body as JSON; None if it is too large to store."""
    body = b"" if data is None else responses.to_json(data)
    return body if len(body) <= MAX_STORED_BYTES else None
