"""Counters in Redis that survive what others write under their keys."""

from collections.abc import Sequence
from typing import Any, Protocol

import structlog

log = structlog.get_logger(__name__)

# Add to a counter and set when it expires; return its total, and 1 if it was no count
# and starts again. INCRBY alone would fail where others wrote text or a list, and a
# pipeline would fail with it, for every caller that it serves.
INCREMENT_SCRIPT = """
local total = redis.pcall('INCRBY', KEYS[1], ARGV[1])
local is_malformed = type(total) ~= 'number' or total < math.min(tonumber(ARGV[1]), 0)
if is_malformed then
  total = tonumber(ARGV[1])
  redis.call('SET', KEYS[1], ARGV[1])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
return {total, is_malformed and 1 or 0}
"""


class Pipeline(Protocol):
    """A pipeline of redis-py, for threads or for the event loop."""

    def eval(self, script: str, numkeys: int, *keys_and_args: Any) -> Any:
        """Queue a script."""


def queue_increment(
    pipeline: Pipeline, key: str, amount: int, expires_in_seconds: int
) -> None:
    """Queue an increment; pass its reply to `read_total`."""
    pipeline.eval(INCREMENT_SCRIPT, 1, key, str(amount), str(expires_in_seconds))


def read_total(key: str, reply: Sequence[int]) -> int:
    """Return the counter's total. Log where it was malformed and starts again."""
    total, was_malformed = reply
    if was_malformed:
        log.warning("cache.counter_malformed", key=key)
    return int(total)
