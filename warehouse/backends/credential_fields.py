"""Validation of single fields of credentials."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from levered_site.errors import InvalidParametersError


@dataclass(frozen=True, slots=True)
class FieldPattern:
    """A pattern that a text must match, and its description: "must be …"."""

    pattern: str
    expected: str


PRIVATE_KEY_PATTERN = FieldPattern(
    r"(?s)[^\x00]{1,10000}", "an unencrypted private key in PEM"
)


def require_text(
    credentials: Mapping[str, Any], field_name: str, pattern: FieldPattern
) -> str:
    """Return one field; raise InvalidParametersError unless it matches the pattern."""
    field, value = f"credentials.{field_name}", credentials.get(field_name)
    if value is None or value == "":
        raise InvalidParametersError.for_field(
            field, f"is required, and must be {pattern.expected}"
        )
    if not isinstance(value, str) or not re.fullmatch(pattern.pattern, value):
        raise InvalidParametersError.for_field(field, f"must be {pattern.expected}")
    return value


def require_private_key(credentials: Mapping[str, Any]) -> str:
    """Return the field `private_key`; raise InvalidParametersError if it is no PEM key."""
    text = require_text(credentials, "private_key", PRIVATE_KEY_PATTERN)
    load_private_key(text)
    return text


def load_private_key(pem: str) -> PrivateKeyTypes:
    """Read a private key in PEM.

    Raises InvalidParametersError, which does not quote the key, if it is encrypted or
    not a key.
    """
    try:
        return serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise InvalidParametersError.for_field(
            "credentials.private_key", f"must be {PRIVATE_KEY_PATTERN.expected}"
        ) from error


def refuse_unknown_fields(
    credentials: Mapping[str, Any], known_fields: Sequence[str]
) -> None:
    """Raise InvalidParametersError on the first field that is not known."""
    for field_name in credentials:
        if field_name not in known_fields:
            message = f"is not known; the fields are {', '.join(known_fields)}"
            raise InvalidParametersError.for_field(f"credentials.{field_name}", message)
