"""Credentials of a customer's Postgres."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from levered_site.errors import InvalidParametersError
from warehouse.backends import addresses, credential_fields
from warehouse.backends.credential_fields import FieldPattern

ENCRYPTED_MODES = ("require", "verify-ca", "verify-full")
UNENCRYPTED_MODES = ("disable", "allow", "prefer")
# What libpq takes as a name only: no settings or addresses hidden in it.
NAME_PATTERN = FieldPattern(
    r"[^=\s\x00-\x1f'\\]{1,63}", "a name of at most 63 characters, without spaces"
)
REQUIRED_FIELDS = ("host", "database", "username", "password")


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach a customer's server, as `validate_credentials` returned it."""

    host: str
    database: str
    username: str
    password: str = field(repr=False)
    port: int = 5432
    sslmode: str = "require"


def validate_credentials(credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Return the credentials completed by defaults.

    Raises InvalidParametersError on the invalid field.
    """
    credential_fields.refuse_empty(credentials, REQUIRED_FIELDS)
    credential_fields.refuse_unknown_fields(
        credentials, tuple(Server.__dataclass_fields__)
    )
    return {
        "host": addresses.validate_host(credentials.get("host")),
        "port": _validate_port(credentials.get("port", 5432)),
        "database": _validate_name(credentials, "database"),
        "username": _validate_name(credentials, "username"),
        "password": _validate_password(credentials),
        "sslmode": _validate_sslmode(credentials.get("sslmode", "require")),
    }


def _validate_port(port: object) -> int:
    if isinstance(port, int) and not isinstance(port, bool) and 0 < port < 65536:
        return port
    raise InvalidParametersError.for_field("credentials.port", "must be 1 to 65535")


def _validate_name(credentials: Mapping[str, Any], field_name: str) -> str:
    value = credential_fields.require_text(credentials, field_name, NAME_PATTERN)
    if "://" in value:
        raise InvalidParametersError.for_field(
            f"credentials.{field_name}", f"must be {NAME_PATTERN.expected}"
        )
    return value


def _validate_password(credentials: Mapping[str, Any]) -> str:
    value = credentials.get("password", "")
    if not isinstance(value, str) or len(value) > 1000 or "\x00" in value:
        raise InvalidParametersError.for_field(
            "credentials.password", "must be a text of at most 1,000 characters"
        )
    return value


def _validate_sslmode(sslmode: object) -> str:
    allowed = ENCRYPTED_MODES + (
        UNENCRYPTED_MODES if settings.WAREHOUSE_ALLOW_PRIVATE else ()
    )
    if sslmode in allowed:
        return str(sslmode)
    message = f"must be one of {', '.join(allowed)}"
    raise InvalidParametersError.for_field("credentials.sslmode", message)
