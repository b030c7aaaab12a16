"""The form of ids: one rule for paths, serving and ingestion."""

import re
from typing import Final

UUID_PROBLEM: Final = (
    "must be a UUID in its usual form, such as 3f2b8c1e-6f0d-4a55-9a1c-0d5f1f0e7a11"
)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_uuid(text: str) -> bool:
    """Return whether a text is a UUID in its usual form, in either case.

    Braces, `urn:uuid:` and 32 digits without hyphens, which Python reads too, are not ids.
    """
    return _UUID.fullmatch(text) is not None
