"""Who did it, for the audit log and for deeds that want to know."""

from dataclasses import dataclass
from typing import Literal

ActorKind = Literal["user", "staff", "key", "system", "public"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A kind and the id within it: a Clerk user, a Django user, an API key."""

    kind: ActorKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


SYSTEM_ACTOR = Actor("system", "system")


@dataclass(frozen=True, slots=True)
class Caller:
    """The person behind a valid token: `request.user` of management endpoints."""

    organization_id: str
    user_id: str
    role: str

    @property
    def is_authenticated(self) -> bool:
        """A caller exists only where a token held (Django and DRF ask this way)."""
        return True

    @property
    def is_admin(self) -> bool:
        """Whether they may do what only admins may."""
        return self.role == "admin"

    @property
    def actor(self) -> Actor:
        """The same person as the audit log writes them."""
        return Actor("user", self.user_id)


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """The program behind a valid API key: `request.user` of ingestion endpoints."""

    organization_id: str
    key_id: str

    @property
    def is_authenticated(self) -> bool:
        """As for Caller."""
        return True

    @property
    def actor(self) -> Actor:
        """The key as the audit log writes it."""
        return Actor("key", self.key_id)
