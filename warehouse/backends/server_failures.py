"""Words for failures of the managed store's server: what happened, and what to do.

What Postgres says about itself (settings, files, memory) helps nobody who writes a query.
What it says about the query is passed on.
"""

import re

import psycopg
import structlog

from levered_site.errors import UnavailableError
from warehouse.backends import postgres_states
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
AWAY = "The managed warehouse cannot be reached; try again."
# Of codes that blame the store; a longer code goes before its class.
STORE_MESSAGES = {"53100": DISK_FULL, "58": FAULT, "F0": FAULT, "XX": FAULT}
# Of codes that blame the query, although what the server says of it is about itself. A bug
# (XX000) is the store's, but only this query meets it: trying it again would not help.
QUERY_MESSAGES = {"54001": TOO_DEEP, "XX000": FAULT}
NO_MEMORY, TEMPORARY_FILES = "53200", "53400"
KILOBYTES = re.compile(r"\((\d+)kB\)")
# Values that are too large have one of several codes.
TOO_LARGE = re.compile(
    r"out of memory|memory alloc request size|(string buffer|array size) exceeds",
    re.IGNORECASE,
)
SHARED_MEMORY = re.compile(r"shared memory", re.IGNORECASE)
RETRY_SECONDS = 5


def build_failure(error: psycopg.Error) -> QueryFailedError | UnavailableError:
    """Return the error for a query that failed in the managed store.

    UnavailableError where the store is to blame, by the table of `postgres_states`.
    """
    code, message = error.sqlstate or "", error.diag.message_primary or str(error)
    if _is_unreachable(error):
        return UnavailableError(AWAY, retry_after=RETRY_SECONDS)
    if limit := _describe_limit(code, message):
        return QueryStoppedError(limit)
    if words := QUERY_MESSAGES.get(code):
        log.warning("warehouse.server_failure", sqlstate=code, reason=message)
        return QueryFailedError(words)
    if not code or postgres_states.blames_statement(code):
        hint = error.diag.message_hint
        return QueryFailedError(
            f"{message.removesuffix('.')}. {hint}" if hint else message
        )
    log.warning("warehouse.server_failure", sqlstate=code, reason=message)
    words = STORE_MESSAGES.get(code) or STORE_MESSAGES.get(code[:2], BUSY)
    return UnavailableError(words, retry_after=RETRY_SECONDS)


def _is_unreachable(error: psycopg.Error) -> bool:
    """Return whether the connection failed; only then the client has no code."""
    code = error.sqlstate or ""
    is_operational = isinstance(
        error, psycopg.OperationalError | psycopg.InterfaceError
    )
    return is_operational and (
        not code or code.startswith(postgres_states.CONNECTION_STATES)
    )


def _describe_limit(code: str, message: str) -> str:
    """Return words for a query that reached a limit of one query; "" for others.

    The memory of one backend is the query's, what backends share is the store's.
    """
    if code == TEMPORARY_FILES:
        return _describe_files(message)
    is_own_memory = code == NO_MEMORY and not SHARED_MEMORY.search(message)
    return OUT_OF_MEMORY if is_own_memory or TOO_LARGE.search(message) else ""


def _describe_files(message: str) -> str:
    """Return words for a query that reached `temp_file_limit`."""
    limit = KILOBYTES.search(message)
    size = f"more than {int(limit[1]) // 1024:,} MB" if limit else "too many"
    return (
        f"The query wrote {size} of temporary files and was stopped: sort, join or group "
        "fewer rows."
    )
