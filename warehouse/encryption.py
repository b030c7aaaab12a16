"""Credentials at rest: sealed with the first key, opened with any, so that keys rotate."""

from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from levered_site.errors import WarehouseError

UNREADABLE_CREDENTIALS = (
    "The stored credentials cannot be opened with the keys of this server: connect the "
    "warehouse again."
)


def encrypt_credentials(credentials: Mapping[str, Any]) -> bytes:
    """Encrypt credentials for the database."""
    return _build_cipher().encrypt(orjson.dumps(dict(credentials)))


def decrypt_credentials(sealed: bytes | memoryview) -> dict[str, Any]:
    """Read what `seal` wrote, with whichever key there is; WarehouseError without one."""
    try:
        text = _build_cipher().decrypt(bytes(sealed))
    except InvalidToken as error:
        raise WarehouseError(UNREADABLE_CREDENTIALS) from error
    credentials: dict[str, Any] = orjson.loads(text)
    return credentials


def reencrypt_credentials(sealed: bytes | memoryview) -> bytes | None:
    """Encrypt with the first key; None where that is done already.

    Raises WarehouseError where no key opens it.
    """
    try:
        Fernet(settings.CREDENTIAL_KEYS[0]).decrypt(bytes(sealed))
    except InvalidToken:
        return encrypt_credentials(decrypt_credentials(sealed))
    return None


def _build_cipher() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])
