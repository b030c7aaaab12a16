"""Who acts: an actor in the audit log, a caller by token, a holder of an API key."""

from dataclasses import dataclass
from typing import Literal

ActorKind = Literal["user", "staff", "key", "system", "public"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A kind of actor and the id within it: a Clerk user, a Django user, an API key."""

    kind: ActorKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


SYSTEM_ACTOR = Actor("system", "system")


@dataclass(frozen=True, slots=True)
class Caller:
    """The person with a valid token: `request.user` of their requests."""

    organization_id: str
    user_id: str
    role: str

    @property
    def is_authenticated(self) -> bool:
        """Return True, as Django and DRF expect: a caller has a valid token."""
        return True

    @property
    def is_admin(self) -> bool:
        """Whether the caller is an admin of the organization."""
        return self.role == "admin"

    @property
    def actor(self) -> Actor:
        """The caller as an actor of the audit log."""
        return Actor("user", self.user_id)


@dataclass(frozen=True, slots=True)
class RewardBounds:
    """A reward that a publishable key may send: `low` <= value <= `high`."""

    name: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """The program with a valid API key: `request.user` of its requests.

    `rewards` and `origins` are those of a publishable key; no origins means any.
    """

    organization_id: str
    key_id: str
    scopes: frozenset[str]
    rewards: tuple[RewardBounds, ...] = ()
    origins: tuple[str, ...] = ()

    @property
    def is_authenticated(self) -> bool:
        """Return True, as Django and DRF expect: a key holder has a valid key."""
        return True

    @property
    def is_admin(self) -> bool:
        """Return False: no key has an admin's rights."""
        return False

    @property
    def actor(self) -> Actor:
        """The key as an actor of the audit log."""
        return Actor("key", self.key_id)
