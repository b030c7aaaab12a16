"""How a customer's Postgres is reached: what may be asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from levered_site.errors import InvalidParametersError
from warehouse.backends import addresses, fields
from warehouse.backends.fields import Kind

ENCRYPTED = ("require", "verify-ca", "verify-full")
PLAIN = ("disable", "allow", "prefer")
# What libpq takes as a name: no settings or addresses hidden in it.
NAME = Kind(
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


def credentials(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check what was sent and complete it; raises InvalidParametersError by field."""
    fields.only(given, tuple(Server.__dataclass_fields__))
    return {
        "host": addresses.host(given.get("host")),
        "port": _port(given.get("port", 5432)),
        "database": _name(given, "database"),
        "username": _name(given, "username"),
        "password": _password(given),
        "sslmode": _sslmode(given.get("sslmode", "require")),
    }


def _port(given: object) -> int:
    if isinstance(given, int) and not isinstance(given, bool) and 0 < given < 65536:
        return given
    raise InvalidParametersError.of("credentials.port", "must be 1 to 65535")


def _name(given: Mapping[str, Any], name: str) -> str:
    value = fields.text(given, name, NAME)
    if "://" in value:
        raise InvalidParametersError.of(f"credentials.{name}", f"must be {NAME.right}")
    return value


def _password(given: Mapping[str, Any]) -> str:
    value = given.get("password", "")
    if not isinstance(value, str) or len(value) > 1000 or "\x00" in value:
        raise InvalidParametersError.of("credentials.password", "must be a text")
    return value


def _sslmode(given: object) -> str:
    allowed = ENCRYPTED + (PLAIN if settings.WAREHOUSE_ALLOW_PRIVATE else ())
    if given in allowed:
        return str(given)
    message = f"must be one of {', '.join(allowed)}"
    raise InvalidParametersError.of("credentials.sslmode", message)
