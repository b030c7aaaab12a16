"""One field of credentials checked: known, there, a text, and what would be right if not."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from levered_site.errors import InvalidParametersError


@dataclass(frozen=True, slots=True)
class FieldPattern:
    """A pattern that a text must match, and how to say so: "must be …"."""

    pattern: str
    expected: str


PRIVATE_KEY_PATTERN = FieldPattern(
    r"(?s)[^\x00]{1,10000}", "an unencrypted private key in PEM"
)


def require_text(given: Mapping[str, Any], name: str, kind: FieldPattern) -> str:
    """Take one field of credentials; InvalidParametersError says what would be right."""
    field, value = f"credentials.{name}", given.get(name)
    if value is None or value == "":
        raise InvalidParametersError.for_field(
            field, f"is required, and must be {kind.expected}"
        )
    if not isinstance(value, str) or not re.fullmatch(kind.pattern, value):
        raise InvalidParametersError.for_field(field, f"must be {kind.expected}")
    return value


def refuse_unknown_fields(given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse fields of credentials that are not known; InvalidParametersError."""
    for name in given:
        if name not in known:
            fields = ", ".join(known)
            raise InvalidParametersError.for_field(
                f"credentials.{name}", f"is not known; there are {fields}"
            )
