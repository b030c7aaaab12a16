"""Credentials at rest: sealed with the first key, opened with any, so that keys rotate."""

from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from levered_site.errors import WarehouseError

UNREADABLE = (
    "The stored credentials cannot be opened with the keys of this server: connect the "
    "warehouse again."
)


def seal(credentials: Mapping[str, Any]) -> bytes:
    """Encrypt credentials for the database."""
    return _keys().encrypt(orjson.dumps(dict(credentials)))


def unseal(sealed: bytes | memoryview) -> dict[str, Any]:
    """Read what `seal` wrote, with whichever key there is; WarehouseError without one."""
    try:
        text = _keys().decrypt(bytes(sealed))
    except InvalidToken as error:
        raise WarehouseError(UNREADABLE) from error
    credentials: dict[str, Any] = orjson.loads(text)
    return credentials


def resealed(sealed: bytes | memoryview) -> bytes | None:
    """Encrypt with the first key; None where that is done already.

    Raises WarehouseError where no key opens it.
    """
    try:
        Fernet(settings.CREDENTIAL_KEYS[0]).decrypt(bytes(sealed))
    except InvalidToken:
        return seal(unseal(sealed))
    return None


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])
