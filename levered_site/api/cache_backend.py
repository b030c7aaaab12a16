"""Django's Redis cache, for which a value of another Redis type is an absent one."""

from typing import Any

import structlog
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import ResponseError

log = structlog.get_logger(__name__)

# What Redis answers of the value that it holds, and not of itself.
VALUE_ERRORS = ("WRONGTYPE", "value is not an integer", "would overflow")


class CheckedRedisCacheClient(RedisCacheClient):
    """Removes what others wrote in place of a value, and logs it."""

    def get(self, key: Any, default: Any) -> Any:
        """Return the value; the default where it is missing or malformed."""
        try:
            return super().get(key, default)
        except ResponseError as error:
            self._remove_malformed(key, error)
            return default

    def incr(self, key: Any, delta: int) -> Any:
        """Return the counter's total. Raise ValueError where it is none, as if absent."""
        try:
            return super().incr(key, delta)
        except ResponseError as error:
            self._remove_malformed(key, error)
            raise ValueError(f"Key {key!r} not found.") from error

    def _remove_malformed(self, key: Any, error: ResponseError) -> None:
        """Remove a value that Redis cannot use; raise any other error again."""
        if not any(text in str(error) for text in VALUE_ERRORS):
            raise error
        self.delete(key)
        log.warning("cache.value_malformed", key=key, error=str(error))


class CheckedRedisCache(RedisCache):
    """The backend of `settings.CACHES`."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = CheckedRedisCacheClient
