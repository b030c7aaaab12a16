"""How many of its resources an organization may have."""

from typing import Any

from django.db.models import QuerySet

from levered_site.errors import ConflictError


def require_room(owned: QuerySet[Any], limit: int, plural: str) -> None:
    """Raise ConflictError if the organization owns as many as it may.

    Requests at the same time may exceed the limit by as many as there are, which no bound
    depends on.
    """
    count = owned.count()
    if count >= limit:
        raise ConflictError(
            f"Your organization has {count:,} {plural}, and {limit:,} are allowed: "
            "delete some first."
        )
