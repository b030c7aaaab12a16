"""Addresses of static files: each has a version, so that browsers may keep the file.

The files are served as they lie, by WhiteNoise; a step that collects them is not needed.
"""

import hashlib
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from typing_extensions import override

DIGITS = 12


class VersionedFilesStorage(StaticFilesStorage):
    """Files whose address ends in a hash of their contents, as in `admin.css?v=…`."""

    @override
    def url(self, name: str | None) -> str:
        """Return the address of a file; one that there is not has no version."""
        address: str = super().url(name)
        version = find_version(name) if name else ""
        return f"{address}?v={version}" if version else address


@cache
def find_version(name: str) -> str:
    """Return the first digits of the hash of a file, empty without one; read once."""
    path = finders.find(name)
    if path is None:
        return ""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:DIGITS]
