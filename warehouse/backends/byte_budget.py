"""How many bytes an organization's queries may read where reading costs money."""

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from warehouse.backends.base import QueryFailedError

MIN_BILLED_BYTES = 10 * 2**20
COUNTER_TTL_SECONDS = 2 * 24 * 3600


def get_max_bytes_per_query() -> int:
    """Bytes that one query may be billed for."""
    return max(int(settings.BIGQUERY_BYTES_PER_QUERY), MIN_BILLED_BYTES)


def spend_bytes(organization_id: str, wanted: int) -> None:
    """Count bytes before they are read.

    Raises QueryFailedError, and counts nothing, where one query wants too many or the
    organization's day (UTC) has too few left.
    """
    if wanted > get_max_bytes_per_query():
        raise QueryFailedError(
            f"The query would read {wanted:,} bytes, and {get_max_bytes_per_query():,} are allowed: "
            "read fewer days or columns."
        )
    key = f"bigquery-bytes:{organization_id}:{timezone.now().date().isoformat()}"
    cache.add(key, 0, COUNTER_TTL_SECONDS)
    if cache.incr(key, wanted) > settings.BIGQUERY_BYTES_PER_DAY:
        cache.decr(key, wanted)
        raise QueryFailedError(
            f"The query would read {wanted:,} bytes, more than is left of the "
            f"{settings.BIGQUERY_BYTES_PER_DAY:,} that your organization may read a day."
        )
