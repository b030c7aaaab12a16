"""Files of metrics that a full disk does not turn into a crash.

prometheus_client maps sparse files into memory. On a full disk the first write to a page
without a block ends the process with SIGBUS. So blocks are written before they are
mapped. Where that fails, a process counts in memory, and /metrics lacks these counts.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import mmap_dict, values

from levered_site.local.processes import METRICS_NAME_VARIABLE

# Large enough for all that a process counts, so that it hardly ever has to grow.
FILE_BYTES = 1 << 16
# What an entry takes beside its key: a length, padding, a value and a time.
ENTRY_BYTES = 4 + 12 + 16

log = structlog.get_logger(__name__)

Value = tuple[float, float]  # the value and its time


class AllocatedMetrics:
    """The values of one file, by key: what prometheus_client asks of its MmapedDict.

    Not thread safe; prometheus_client holds a lock.
    """

    def __init__(self, filename: str) -> None:
        self._filename = filename
        self._in_memory: dict[str, Value] = {}
        self._has_failed = False
        self._mapped: Any = None  # prometheus_client has no types for it
        try:
            _append_zeros(filename, FILE_BYTES - _get_size(filename))
            self._mapped = mmap_dict.MmapedDict(filename)
        except OSError as error:
            self._log_failure(error)

    def read_value(self, key: str) -> Value:
        """Return the value of a key and its time; a new key has 0."""
        if self._has_room(key):
            value: Value = self._mapped.read_value(key)
            return value
        return self._in_memory.setdefault(key, (0.0, 0.0))

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        """Set the value of a key and its time."""
        if self._has_room(key):
            self._mapped.write_value(key, value, timestamp)
        else:
            self._in_memory[key] = (value, timestamp)

    def close(self) -> None:
        """Close the file."""
        if self._mapped is not None:
            self._mapped.close()

    def _has_room(self, key: str) -> bool:
        """Return whether the file has the key, or has blocks for it."""
        if self._mapped is None or key in self._in_memory:
            return False
        if key in self._mapped._positions:  # noqa: SLF001 - it offers no other way
            return True
        used, capacity = self._mapped._used, self._mapped._capacity  # noqa: SLF001 - likewise
        if used + len(key.encode()) + ENTRY_BYTES <= capacity:
            return True
        try:
            _append_zeros(self._filename, capacity)  # it doubles the file, too
        except OSError as error:
            self._log_failure(error)
            return False
        return True

    def _log_failure(self, error: OSError) -> None:
        """Log it once, where the log is on another disk."""
        if not self._has_failed:
            self._has_failed = True
            with suppress(OSError):
                log.warning("metrics.not_stored", file=self._filename, error=str(error))


def _get_size(filename: str) -> int:
    """Return the size of a file; 0 if there is none."""
    with suppress(FileNotFoundError):
        return Path(filename).stat().st_size
    return 0


def _append_zeros(filename: str, count: int) -> None:
    """Make a file longer; afterwards it is as long as before if that fails."""
    size = _get_size(filename)
    try:
        with Path(filename).open("ab", buffering=0) as file:
            while count > 0:
                count -= file.write(bytes(count))
    except OSError:
        with suppress(OSError):
            os.truncate(filename, size)
        raise


def allocate_metric_files() -> None:
    """Make prometheus_client use such files. Call it before a metric is created.

    Files are named by METRICS_NAME_VARIABLE where that is set, else by the process's id.
    """
    vars(values)["MmapedDict"] = AllocatedMetrics
    name = os.environ.get(METRICS_NAME_VARIABLE)
    if name and "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        vars(values)["ValueClass"] = values.MultiProcessValue(lambda: name)
