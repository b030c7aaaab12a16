"""Scopes of API keys: what a key may do."""

from typing import Final

from levered_site.errors import ForbiddenError
from levered_site.organizations.actors import KeyHolder

INGEST: Final = "ingest"
SERVE: Final = "serve"
READ: Final = "read"
WRITE: Final = "write"
TRACK: Final = "track"  # of publishable keys, which have no other scope
ALL_SCOPES: Final = (INGEST, SERVE, READ, WRITE, TRACK)

ONLY_PUBLISHABLE: Final = "only a key with the scope `track` has this"


def require_scope(holder: KeyHolder, scope: str) -> None:
    """Raise ForbiddenError, naming both, unless the key has the scope.

    `write` includes `read`: both are parts of a member's rights.
    """
    if scope in holder.scopes or (scope == READ and WRITE in holder.scopes):
        return
    present = ", ".join(f"`{name}`" for name in ALL_SCOPES if name in holder.scopes)
    raise ForbiddenError(
        f"This needs an API key with the scope `{scope}`; this key has {present}. "
        "Create another key: the scopes of a key do not change."
    )
