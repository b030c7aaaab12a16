"""API keys: create, change, rotate and revoke them."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from levered_site.api.credentials import KEY_PREFIX
from levered_site.errors import ConflictError, InvalidParametersError
from levered_site.organizations import audit, key_memory, quotas, scopes
from levered_site.organizations.actors import Actor
from levered_site.organizations.key_memory import hash_secret
from levered_site.organizations.models import ApiKey

PUBLIC_PREFIX = f"{KEY_PREFIX}pub_"
RANDOM_IN_PREFIX = 8  # characters, stored readable so that people recognize a key


@dataclass(frozen=True, slots=True)
class KeySpec:
    """What a new key is. `rewards` and `origins` are a publishable key's."""

    label: str
    scopes: Sequence[str] = (scopes.INGEST,)
    expires_at: datetime | None = None
    rewards: Sequence[dict[str, Any]] = ()
    origins: Sequence[str] = ()

    @property
    def is_publishable(self) -> bool:
        """Whether the key may stand in a web page."""
        return scopes.TRACK in self.scopes


def create_key(organization_id: str, spec: KeySpec, actor: Actor) -> tuple[ApiKey, str]:
    """Create a key. Return it with its secret, which is not stored.

    Only a publishable key is stored readable as well. Raises ConflictError where the
    organization has as many keys as it may.
    """
    quotas.require_room(
        ApiKey.objects.active().filter(organization_id=organization_id),
        settings.MAX_API_KEYS,
        "API keys",
    )
    secret = _generate_secret(is_publishable=spec.is_publishable)
    with transaction.atomic():
        key = ApiKey.objects.create(
            organization_id=organization_id,
            label=spec.label,
            scopes=list(spec.scopes),
            expires_at=spec.expires_at,
            rewards=list(spec.rewards),
            origins=list(spec.origins),
            **_build_secret_fields(secret, is_publishable=spec.is_publishable),
        )
        changes: dict[str, Any] = {"label": key.label, "scopes": key.scopes}
        if key.expires_at is not None:
            changes["expires_at"] = key.expires_at
        audit.record(organization_id, actor, "api_key.make", key, changes)
    return key, secret


def change_key(key: ApiKey, fields: Mapping[str, Any], actor: Actor) -> ApiKey:
    """Change the label, the expiry, the rewards or the origins of a key.

    Raises InvalidParametersError if a secret key is given rewards or origins.
    """
    with transaction.atomic():
        key = ApiKey.objects.select_for_update().get(pk=key.pk)
        for name in ("rewards", "origins"):
            if name in fields and not key.public_key:
                raise InvalidParametersError.for_field(name, scopes.ONLY_PUBLISHABLE)
        changes = {
            name: value for name, value in fields.items() if getattr(key, name) != value
        }
        if not changes:
            return key
        before = audit.read_fields(key, changes)
        for name, value in changes.items():
            setattr(key, name, value)
        key.save()
        audit.record(
            key.organization_id, actor, "api_key.change", key, changes, before=before
        )
    _forget((key.digest, key.previous_digest))
    return key


def rotate_key(key: ApiKey, overlap: timedelta, actor: Actor) -> tuple[ApiKey, str]:
    """Give a key a new secret; the one before works until the overlap ends.

    Return the key with the secret, which is not stored. Without an overlap every older
    secret stops working at once.

    Raises:
        ConflictError: the key has expired or was revoked, or an earlier rotation's overlap
            has not ended and a third secret would work.
    """
    now = timezone.now()
    with transaction.atomic():
        key = ApiKey.objects.select_for_update().get(pk=key.pk)
        _refuse_rotation(key, overlap, now)
        older_digests = (key.digest, key.previous_digest)
        before = {"prefix": key.prefix}
        is_publishable = bool(key.public_key)
        secret = _generate_secret(is_publishable=is_publishable)
        fields = _build_secret_fields(secret, is_publishable=is_publishable)
        if overlap > timedelta(0):
            fields |= {
                "previous_prefix": key.prefix,
                "previous_digest": key.digest,
                "previous_expires_at": now + overlap,
            }
        else:
            fields |= {
                "previous_prefix": "",
                "previous_digest": None,
                "previous_expires_at": None,
            }
        for name, value in fields.items():
            setattr(key, name, value)
        key.save()
        changes = {"prefix": key.prefix, "overlap_ends_at": key.previous_expires_at}
        audit.record(
            key.organization_id, actor, "api_key.rotate", key, changes, before=before
        )
    _forget(older_digests)
    return key, secret


def _refuse_rotation(key: ApiKey, overlap: timedelta, now: datetime) -> None:
    if key.revoked_at is not None or key.has_expired(now):
        raise ConflictError(
            "This key has expired or was revoked; create a new one instead."
        )
    if overlap > timedelta(0) and key.has_overlap(now):
        raise ConflictError(
            "The secret before the last rotation works until "
            f"{key.previous_expires_at:%Y-%m-%dT%H:%M:%SZ}. Rotate again after that, or with "
            "`overlap_hours` 0, which ends every older secret at once."
        )


def revoke_key(key: ApiKey, actor: Actor) -> None:
    """Revoke a key, at once here and in other processes within seconds.

    A revoked key stays as it is.
    """
    with transaction.atomic():
        active_key = ApiKey.objects.active().filter(pk=key.pk)
        if active_key.update(revoked_at=timezone.now(), updated_at=timezone.now()):
            audit.record(key.organization_id, actor, "api_key.revoke", key, {})
    _forget((key.digest, key.previous_digest))


def _generate_secret(*, is_publishable: bool) -> str:
    prefix = PUBLIC_PREFIX if is_publishable else KEY_PREFIX
    return prefix + secrets.token_urlsafe(32)


def _build_secret_fields(secret: str, *, is_publishable: bool) -> dict[str, Any]:
    prefix = PUBLIC_PREFIX if is_publishable else KEY_PREFIX
    return {
        "prefix": secret[: len(prefix) + RANDOM_IN_PREFIX],
        "digest": hash_secret(secret),
        "public_key": secret if is_publishable else "",
    }


def _forget(digests: Sequence[str | None]) -> None:
    for digest in digests:
        if digest is not None:
            key_memory.forget(digest)
