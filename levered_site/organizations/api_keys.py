"""API keys: made, found by their secret, revoked."""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from levered_site.organizations import audit
from levered_site.organizations.actors import Actor
from levered_site.organizations.models import ApiKey

KEY_PREFIX = "lev_"
PREFIX_LENGTH = 12  # of the secret, kept in the clear so that people recognise a key
LAST_USED_INTERVAL = timedelta(minutes=1)


def create_key(organization_id: str, label: str, actor: Actor) -> tuple[ApiKey, str]:
    """Make a key. The secret, the second of the pair, is never to be had again."""
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        key = ApiKey.objects.create(
            organization_id=organization_id,
            label=label,
            prefix=secret[:PREFIX_LENGTH],
            digest=hash_secret(secret),
        )
        audit.record(organization_id, actor, "api_key.make", key, {"label": label})
    return key, secret


def revoke_key(key: ApiKey, actor: Actor) -> None:
    """Close the door to a key for good. Revoking twice changes nothing."""
    with transaction.atomic():
        closed = ApiKey.objects.active().filter(pk=key.pk)
        if closed.update(revoked_at=timezone.now(), updated_at=timezone.now()):
            audit.record(key.organization_id, actor, "api_key.revoke", key, {})


def find_key(secret: str) -> ApiKey | None:
    """Return the active key of this secret, noting its use at most once a minute."""
    if not secret.startswith(KEY_PREFIX):
        return None
    key = ApiKey.objects.active().filter(digest=hash_secret(secret)).first()
    if key is not None:
        _record_use(key)
    return key


def _record_use(key: ApiKey) -> None:
    now = timezone.now()
    if key.last_used_at is not None and key.last_used_at > now - LAST_USED_INTERVAL:
        return
    due = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USED_INTERVAL)
    ApiKey.objects.filter(due, pk=key.pk).update(last_used_at=now)


def hash_secret(secret: str) -> str:
    """Digest a secret: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
