"""One field of credentials checked: known, there, a text, and what would be right if not."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from levered_site.errors import InvalidParametersError


@dataclass(frozen=True, slots=True)
class Kind:
    """A pattern that a text must match, and how to say so: "must be …"."""

    pattern: str
    right: str


KEY = Kind(r"(?s)[^\x00]{1,10000}", "an unencrypted private key in PEM")


def text(given: Mapping[str, Any], name: str, kind: Kind) -> str:
    """Take one field of credentials; InvalidParametersError says what would be right."""
    field, value = f"credentials.{name}", given.get(name)
    if value is None or value == "":
        raise InvalidParametersError.of(field, f"is required, and must be {kind.right}")
    if not isinstance(value, str) or not re.fullmatch(kind.pattern, value):
        raise InvalidParametersError.of(field, f"must be {kind.right}")
    return value


def only(given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse fields of credentials that are not known; InvalidParametersError."""
    for name in given:
        if name not in known:
            fields = ", ".join(known)
            raise InvalidParametersError.of(
                f"credentials.{name}", f"is not known; there are {fields}"
            )
