"""How a customer's Postgres is reached: what may be asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from levered_site.errors import InvalidParametersError
from warehouse.backends import addresses, credential_fields
from warehouse.backends.credential_fields import FieldPattern

ENCRYPTED_MODES = ("require", "verify-ca", "verify-full")
UNENCRYPTED_MODES = ("disable", "allow", "prefer")
# What libpq takes as a name: no settings or addresses hidden in it.
NAME_PATTERN = FieldPattern(
    r"[^=\s\x00-\x1f'\\]{1,63}", "a name of at most 63 characters, without spaces"
)


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach a customer's server, as `credentials` has checked it."""

    host: str
    database: str
    username: str
    password: str = field(repr=False)
    port: int = 5432
    sslmode: str = "require"


def validate_credentials(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check what was sent and complete it; raises InvalidParametersError by field."""
    credential_fields.refuse_unknown_fields(given, tuple(Server.__dataclass_fields__))
    return {
        "host": addresses.validate_host(given.get("host")),
        "port": _validate_port(given.get("port", 5432)),
        "database": _validate_name(given, "database"),
        "username": _validate_name(given, "username"),
        "password": _validate_password(given),
        "sslmode": _validate_sslmode(given.get("sslmode", "require")),
    }


def _validate_port(given: object) -> int:
    if isinstance(given, int) and not isinstance(given, bool) and 0 < given < 65536:
        return given
    raise InvalidParametersError.for_field("credentials.port", "must be 1 to 65535")


def _validate_name(given: Mapping[str, Any], name: str) -> str:
    value = credential_fields.require_text(given, name, NAME_PATTERN)
    if "://" in value:
        raise InvalidParametersError.for_field(
            f"credentials.{name}", f"must be {NAME_PATTERN.expected}"
        )
    return value


def _validate_password(given: Mapping[str, Any]) -> str:
    value = given.get("password", "")
    if not isinstance(value, str) or len(value) > 1000 or "\x00" in value:
        raise InvalidParametersError.for_field("credentials.password", "must be a text")
    return value


def _validate_sslmode(given: object) -> str:
    allowed = ENCRYPTED_MODES + (
        UNENCRYPTED_MODES if settings.WAREHOUSE_ALLOW_PRIVATE else ()
    )
    if given in allowed:
        return str(given)
    message = f"must be one of {', '.join(allowed)}"
    raise InvalidParametersError.for_field("credentials.sslmode", message)
