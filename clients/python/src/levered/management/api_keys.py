"""API keys, who is asking, and events."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, Unpack, cast

from levered import schemas
from levered.management.api import Api
from levered.management.calls import build_path

LARGEST_BATCH = 500


class ApiKeys:
    """`/api-keys`. All raise ApiError and NetworkError."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self) -> Iterator[schemas.ApiKey]:
        """Yield all, page after page, newest first; without their secrets."""
        return self._api.iterate(build_path("api-keys"), "api_keys")

    def create(
        self, **fields: Unpack[schemas.NewApiKeyRequest]
    ) -> schemas.ApiKeyWithSecret:
        """Create a key. Only this answer has its secret."""
        created = self._api.post(build_path("api-keys"), fields)
        return cast("schemas.ApiKeyWithSecret", created)

    def rotate(
        self, key_id: object, *, overlap_hours: int = 24
    ) -> schemas.ApiKeyWithSecret:
        """Give a key a new secret; the old one works as long."""
        body = {"overlap_hours": overlap_hours}
        rotated = self._api.post(build_path("api-keys", key_id, "rotate"), body)
        return cast("schemas.ApiKeyWithSecret", rotated)

    def revoke(self, key_id: object) -> None:
        """End a key."""
        self._api.delete(build_path("api-keys", key_id))


class Account:
    """Who is asking, and events in bulk. All raise ApiError and NetworkError."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def me(self) -> schemas.Me:
        """Return who the credential is."""
        return cast("schemas.Me", self._api.get(build_path("me")))

    def audit(
        self,
        *,
        target_id: str | None = None,
        target_type: str | None = None,
        action: str | None = None,
        actor: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Iterator[schemas.AuditEntry]:
        """Yield who changed what, newest first, page after page; for admins.

        `action` is a whole one, such as `optimization.ship`, or the part before the dot.
        `since` and `until` are ISO 8601.
        """
        return self._api.iterate(
            *(build_path("audit"), "audit_entries"),
            target_id=target_id,
            target_type=target_type,
            action=action,
            actor=actor,
            since=since,
            until=until,
        )

    def ingest(
        self,
        kind: Literal["exposures", "rewards"],
        events: Sequence[dict[str, Any]],
    ) -> schemas.IngestReceipt:
        """Send at most 500 events at once; each should have an idempotency key."""
        path = build_path("ingest", kind)
        return cast("schemas.IngestReceipt", self._api.post(path, {"events": events}))
