"""Words for failures of the managed store's server: what happened, and what to do.

What Postgres says about itself (settings, files, memory) helps nobody who writes a query.
What it says about the query is passed on.
"""

import re

import psycopg
import structlog

from warehouse.backends.errors import QueryFailedError, QueryStoppedError

log = structlog.get_logger(__name__)

OUT_OF_MEMORY = (
    "The query needs more memory than one query may have and was stopped: select or "
    "aggregate fewer rows, or shorter texts and lists."
)
TOO_DEEP = (
    "The query is nested too deeply and was stopped: join fewer conditions, calls and "
    "operators inside each other."
)
DISK_FULL = (
    "The managed warehouse has no room for the query's temporary files: sort, join or "
    "group fewer rows, or try again later."
)
BUSY = "The managed warehouse could not run the query now: try again."
FAULT = (
    "The managed warehouse failed while it ran the query, which is no error of a name or "
    "a value in it: try again, or write it in a simpler way."
)
# Of SQLSTATE; a longer one goes before its class.
MESSAGES = {
    "53100": DISK_FULL,
    "53200": OUT_OF_MEMORY,
    "54001": TOO_DEEP,
    "40": BUSY,
    "53": BUSY,
    "55": BUSY,
    "57": BUSY,
    "58": FAULT,
    "F0": FAULT,
    "XX": FAULT,
}
TEMPORARY_FILES = "53400"
KILOBYTES = re.compile(r"\((\d+)kB\)")
# Values that are too large have one of several codes.
TOO_LARGE = re.compile(
    r"out of memory|memory alloc request size|(string buffer|array size) exceeds",
    re.IGNORECASE,
)


def build_failure(error: psycopg.Error) -> QueryFailedError:
    """Return the error for a query that failed in the managed store."""
    code, message = error.sqlstate or "", error.diag.message_primary or str(error)
    if code == TEMPORARY_FILES:
        return QueryStoppedError(_describe_files(message))
    words = OUT_OF_MEMORY if TOO_LARGE.search(message) else ""
    words = words or MESSAGES.get(code) or MESSAGES.get(code[:2], "")
    if not words:
        hint = error.diag.message_hint
        return QueryFailedError(
            f"{message.removesuffix('.')}. {hint}" if hint else message
        )
    log.warning("warehouse.server_failure", sqlstate=code, reason=message)
    is_limit = words in {DISK_FULL, OUT_OF_MEMORY}
    return QueryStoppedError(words) if is_limit else QueryFailedError(words)


def _describe_files(message: str) -> str:
    """Return words for a query that reached `temp_file_limit`."""
    limit = KILOBYTES.search(message)
    size = f"more than {int(limit[1]) // 1024:,} MB" if limit else "too many"
    return (
        f"The query wrote {size} of temporary files and was stopped: sort, join or group "
        "fewer rows."
    )
