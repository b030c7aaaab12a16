"""Find the holder of an API key by its secret, and record that the key is used."""

import time
from datetime import datetime, timedelta
from typing import NoReturn

from django.db.models import Q
from django.utils import timezone

from levered_site.errors import UnauthorizedError
from levered_site.organizations import key_memory
from levered_site.organizations.actors import KeyHolder, RewardBounds
from levered_site.organizations.models import ApiKey

LAST_USED_INTERVAL = timedelta(minutes=1)
UNKNOWN_KEY = "This API key is unknown; check that it was copied whole."
REVOKED_KEY = "This API key was revoked; create a new one."


def load_holder(secret: str) -> KeyHolder:
    """Return the holder of a secret, from memory or else from the database.

    Raises:
        UnauthorizedError: the key is unknown, revoked or expired, or the secret was
            replaced and its overlap has ended. The message says which.
    """
    digest = key_memory.hash_secret(secret)
    holder = key_memory.find_holder(digest)
    if holder is not None:
        return holder
    problem = key_memory.find_problem(digest)
    if problem is not None:
        raise UnauthorizedError(problem)
    return _look_up(digest)


def _look_up(digest: str) -> KeyHolder:
    now, fresh_until = timezone.now(), time.monotonic() + key_memory.FRESH_SECONDS
    key = ApiKey.objects.filter(Q(digest=digest) | Q(previous_digest=digest)).first()
    if key is None:
        _refuse(digest, UNKNOWN_KEY)
    problem = _find_problem(key, digest, now)
    if problem is not None:
        _refuse(digest, problem)
    end = _find_end(key, digest)
    if end is not None:
        fresh_until = min(fresh_until, time.monotonic() + (end - now).total_seconds())
    holder = _build_holder(key)
    key_memory.remember_holder(digest, holder, fresh_until)
    _record_use(key, now)
    return holder


def _refuse(digest: str, problem: str) -> NoReturn:
    key_memory.remember_problem(digest, problem)
    raise UnauthorizedError(problem)


def _find_problem(key: ApiKey, digest: str, now: datetime) -> str | None:
    if key.revoked_at is not None:
        return REVOKED_KEY
    if key.has_expired(now):
        return (
            f"This API key expired at {_format(key.expires_at)}. An admin may move its "
            "`expires_at` or create a new key."
        )
    if key.digest != digest and not key.has_overlap(now):
        return (
            "This secret of the API key was replaced and stopped working at "
            f"{_format(key.previous_expires_at)}; use the new secret."
        )
    return None


def _find_end(key: ApiKey, digest: str) -> datetime | None:
    """Return when the secret stops working; None if nothing ends it."""
    replaced_at = None if key.digest == digest else key.previous_expires_at
    ends = [end for end in (key.expires_at, replaced_at) if end is not None]
    return min(ends, default=None)


def _build_holder(key: ApiKey) -> KeyHolder:
    return KeyHolder(
        organization_id=key.organization_id,
        key_id=str(key.pk),
        scopes=frozenset(key.scopes),
        rewards=tuple(
            RewardBounds(reward["name"], reward["min"], reward["max"])
            for reward in key.rewards
        ),
        origins=tuple(key.origins),
    )


def _record_use(key: ApiKey, now: datetime) -> None:
    """Write the time of use, at most once a minute for all processes together."""
    is_due = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USED_INTERVAL)
    if key.last_used_at is None or key.last_used_at <= now - LAST_USED_INTERVAL:
        ApiKey.objects.filter(is_due, pk=key.pk).update(last_used_at=now)


def _format(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else ""
