"""The bytes that an organization's queries may read, where reading costs money."""

from django.conf import settings
from django.utils import timezone

from levered_site.api import cache_counters, rate_limits
from levered_site.api.cache_errors import CACHE_ERRORS
from levered_site.errors import UnavailableError
from warehouse.backends.errors import QueryFailedError

MIN_BILLED_BYTES = 10 * 2**20
COUNTER_TTL_SECONDS = 2 * 24 * 3600


def get_max_bytes_per_query() -> int:
    """Return the bytes that one query may be billed for."""
    return max(int(settings.BIGQUERY_BYTES_PER_QUERY), MIN_BILLED_BYTES)


def spend_bytes(organization_id: str, query_bytes: int) -> None:
    """Count a query's bytes before it reads them.

    Raises QueryFailedError, and counts nothing, if one query would read too many bytes
    or more than the organization has left for the day (UTC). Raises UnavailableError
    while the cache, which holds the count, is away: spending has no limit without it.
    """
    max_bytes = get_max_bytes_per_query()
    if query_bytes > max_bytes:
        raise QueryFailedError(
            f"The query would read {query_bytes:,} bytes, and {max_bytes:,} are allowed: "
            "read fewer days or columns."
        )
    key = (
        f"levered:bigquery-bytes:{organization_id}:{timezone.now().date().isoformat()}"
    )
    try:
        is_over_budget = not _count_bytes(key, query_bytes)
    except CACHE_ERRORS as error:
        raise UnavailableError(
            "The bytes of this query cannot be counted against the day's budget, because "
            "the cache does not answer; try again.",
            retry_after=1,
        ) from error
    if is_over_budget:
        raise QueryFailedError(
            f"The query would read {query_bytes:,} bytes, more than is left of the "
            f"{settings.BIGQUERY_BYTES_PER_DAY:,} that your organization may read a day."
        )


def _count_bytes(key: str, query_bytes: int) -> bool:
    """Add the bytes to the day's count; return False, and add none, over the budget."""
    if _add_bytes(key, query_bytes) <= settings.BIGQUERY_BYTES_PER_DAY:
        return True
    _add_bytes(key, -query_bytes)
    return False


def _add_bytes(key: str, query_bytes: int) -> int:
    pipeline = rate_limits.get_redis_client().pipeline(transaction=False)
    cache_counters.queue_increment(pipeline, key, query_bytes, COUNTER_TTL_SECONDS)
    (reply,) = pipeline.execute()
    return cache_counters.read_total(key, reply)
