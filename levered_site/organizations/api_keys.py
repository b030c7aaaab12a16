"""API keys: create them, find them by their secret, revoke them."""

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
PREFIX_LENGTH = 12  # of the secret, stored readable so that people recognize a key
LAST_USED_INTERVAL = timedelta(minutes=1)


def create_key(organization_id: str, label: str, actor: Actor) -> tuple[ApiKey, str]:
    """Create a key. Return it with its secret, which is not stored."""
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
    """Revoke a key. A revoked key stays as it is."""
    with transaction.atomic():
        active_key = ApiKey.objects.active().filter(pk=key.pk)
        if active_key.update(revoked_at=timezone.now(), updated_at=timezone.now()):
            audit.record(key.organization_id, actor, "api_key.revoke", key, {})


def find_key(secret: str) -> ApiKey | None:
    """Return the active key with this secret; record its use at most once a minute."""
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
    is_due = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USED_INTERVAL)
    ApiKey.objects.filter(is_due, pk=key.pk).update(last_used_at=now)


def hash_secret(secret: str) -> str:
    """Return the digest of a secret. 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
