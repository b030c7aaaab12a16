"""Idempotency-Key: the first answer to a POST is the answer to its repeats, 24 hours."""

import hashlib
from collections.abc import Mapping
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
from levered_site.errors import ConflictError, InvalidParametersError
from levered_site.limits import MAX_IDEMPOTENCY_KEY_LENGTH
from levered_site.organizations.models import IdempotentAnswer

HEADER = "Idempotency-Key"
RETENTION = timedelta(hours=24)
# A request that died between claim and answer leaves its claim behind. No request
# lasts this long, so a claim older than this is dead and may be taken over.
STALE_AFTER = timedelta(seconds=60)
STORED_HEADERS = ("Location", "ETag", "Preference-Applied")

OTHER_BODY = "This Idempotency-Key came before with another body."
IN_PROGRESS = "The first request with this Idempotency-Key is still in progress."
UNREPEATABLE_ANSWER = (
    "This was done before under the same Idempotency-Key. Its answer held a secret, "
    "which is shown once and not kept."
)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer for a key; `since` tells it from a later take-over."""

    pk: int
    since: datetime


class IdempotentReplayError(Exception):
    """Carries the first answer past the handler."""

    def __init__(self, stored: IdempotentAnswer) -> None:
        super().__init__(stored.key)
        self.stored = stored

    def response(self) -> Response:
        """Make the first answer again; its `meta` names the present request."""
        body = bytes(self.stored.body or b"")
        return Response(
            orjson.loads(body) if body else None,
            status=self.stored.status,
            headers={**self.stored.headers, "Idempotent-Replayed": "true"},
        )


def claim_key(request: HttpRequest, organization_id: str) -> Claim | None:
    """Claim the request's key; None when it carries none.

    Raises:
        Replayed: it was answered before.
        ConflictError: another body, still in progress, or the answer held a secret.
        InvalidParametersError: the key is empty or too long.
    """
    key = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_IDEMPOTENCY_KEY_LENGTH or not key.isprintable():
        raise InvalidParametersError.for_field(
            HEADER, f"must have 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} printable characters"
        )
    fresh = IdempotentAnswer(
        organization_id=organization_id,
        method=request.method or "",
        path=request.path[:500],
        key=key,
        body_digest=_hash_request(request),
    )
    return _store_claim(fresh)


def _store_claim(fresh: IdempotentAnswer) -> Claim:
    now = timezone.now()
    same = IdempotentAnswer.objects.filter(
        organization_id=fresh.organization_id,
        method=fresh.method,
        path=fresh.path,
        key=fresh.key,
    )
    same.filter(
        Q(created_at__lt=now - RETENTION)
        | Q(status=None, created_at__lt=now - STALE_AFTER)
    ).delete()
    try:
        with transaction.atomic():
            fresh.save(force_insert=True)
    except IntegrityError:
        stored = same.first()
    else:
        return Claim(fresh.pk, fresh.created_at)
    if stored is None:  # released between the two statements: the client may repeat
        raise ConflictError(IN_PROGRESS, retry_after=1)
    _refuse_conflict(stored, fresh.body_digest)
    raise IdempotentReplayError(stored)


def _refuse_conflict(stored: IdempotentAnswer, body_digest: str) -> None:
    if stored.body_digest != body_digest:
        raise ConflictError(OTHER_BODY)
    if stored.status is None:
        raise ConflictError(IN_PROGRESS, retry_after=1)
    if stored.body is None:
        raise ConflictError(UNREPEATABLE_ANSWER)


def store_response(claim: Claim, response: Response, *, secret: bool) -> None:
    """Keep the answer for repeats. One that a retry may change (5xx, 429) is not kept."""
    mine = IdempotentAnswer.objects.filter(pk=claim.pk, created_at=claim.since)
    if response.status_code >= 500 or response.status_code == 429:
        mine.delete()
        return
    hidden = secret and response.status_code < 400
    mine.update(
        status=response.status_code,
        headers=_select_headers(response.headers),
        body=None if hidden else _serialize_body(response.data),
    )


def release_claim(claim: Claim) -> None:
    """Give a key back after an unexpected failure, so that a repeat runs anew."""
    IdempotentAnswer.objects.filter(pk=claim.pk, created_at=claim.since).delete()


def delete_expired(now: datetime) -> int:
    """Delete answers older than 24 hours; returns how many. For the clock."""
    deleted, _ = IdempotentAnswer.objects.filter(
        created_at__lt=now - RETENTION
    ).delete()
    return deleted


def _hash_request(request: HttpRequest) -> str:
    query = request.META.get("QUERY_STRING", "").encode()
    return hashlib.sha256(query + b"\0" + request.body).hexdigest()


def _select_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in STORED_HEADERS if name in headers}


def _serialize_body(data: Any) -> bytes:
    return b"" if data is None else responses.to_json(data)
