"""Validation of single fields of credentials."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from levered_site.errors import FieldProblem, InvalidParametersError


@dataclass(frozen=True, slots=True)
class FieldPattern:
    """A pattern that a text must match, and its description: "must be …"."""

    pattern: str
    expected: str


PRIVATE_KEY_FIELD = "credentials.private_key"
MIN_KEY_BITS = 2048  # Snowflake and Google refuse smaller ones
PRIVATE_KEY_PATTERN = FieldPattern(
    r"(?s)[^\x00]{1,10000}", "an unencrypted private key in PEM"
)


def refuse_empty(credentials: Mapping[str, Any], required: Sequence[str]) -> None:
    """Raise InvalidParametersError naming every required field if there is none at all."""
    if not credentials:
        raise InvalidParametersError(
            f"The credentials are required: {', '.join(required)}.",
            tuple(
                FieldProblem(f"credentials.{name}", "is required") for name in required
            ),
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
    """Return the field `private_key`, with line breaks where it has `\\n`.

    Raises InvalidParametersError if it is no PEM key that the warehouses accept.
    """
    text = require_text(credentials, "private_key", PRIVATE_KEY_PATTERN)
    # As it stands in the JSON of a key file, and often in environment files.
    pem = text.replace("\\r", "").replace("\\n", "\n")
    key = load_private_key(pem)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise InvalidParametersError.for_field(
            PRIVATE_KEY_FIELD, "must be an RSA key; this one has another type"
        )
    if key.key_size < MIN_KEY_BITS:
        raise InvalidParametersError.for_field(
            PRIVATE_KEY_FIELD,
            f"must have at least {MIN_KEY_BITS} bits; this one has {key.key_size}",
        )
    return pem


def load_private_key(pem: str) -> PrivateKeyTypes:
    """Read a private key in PEM.

    Raises InvalidParametersError, which does not quote the key, if it is encrypted or
    not a key.
    """
    try:
        return serialization.load_pem_private_key(pem.encode(), password=None)
    except TypeError as error:
        raise InvalidParametersError.for_field(
            PRIVATE_KEY_FIELD, "must not be encrypted: decrypt it, then send it again"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidParametersError.for_field(
            PRIVATE_KEY_FIELD,
            f"must be {PRIVATE_KEY_PATTERN.expected}: {_describe_flaw(pem)}",
        ) from error


def _describe_flaw(pem: str) -> str:
    """Return what keeps a text from being a private key, without quoting it."""
    if "PUBLIC KEY-----" in pem or "CERTIFICATE-----" in pem:
        return "this is a public key or a certificate"
    if not pem.lstrip().startswith("-----BEGIN "):
        return "it begins with `-----BEGIN PRIVATE KEY-----`"
    if "-----END " not in pem:
        return "its last line, `-----END PRIVATE KEY-----`, is missing"
    return "the text between its first and its last line is damaged"


def refuse_unknown_fields(
    credentials: Mapping[str, Any], known_fields: Sequence[str]
) -> None:
    """Raise InvalidParametersError on the first field that is not known."""
    for field_name in credentials:
        if field_name not in known_fields:
            message = f"is not known; the fields are {', '.join(known_fields)}"
            raise InvalidParametersError.for_field(f"credentials.{field_name}", message)
