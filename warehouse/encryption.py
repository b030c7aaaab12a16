"""Encryption of stored credentials: with the first key; any key decrypts, to rotate keys."""

from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from levered_site.errors import WarehouseError

UNREADABLE_CREDENTIALS = (
    "The stored credentials cannot be decrypted with the keys of this server: connect "
    "the warehouse again."
)


def encrypt_credentials(credentials: Mapping[str, Any]) -> bytes:
    """Encrypt credentials with the first of CREDENTIAL_KEYS."""
    return _build_cipher().encrypt(orjson.dumps(dict(credentials)))


def decrypt_credentials(encrypted: bytes | memoryview) -> dict[str, Any]:
    """Decrypt credentials; raise WarehouseError if no key of CREDENTIAL_KEYS fits."""
    try:
        text = _build_cipher().decrypt(bytes(encrypted))
    except InvalidToken as error:
        raise WarehouseError(UNREADABLE_CREDENTIALS) from error
    credentials: dict[str, Any] = orjson.loads(text)
    return credentials


def reencrypt_credentials(encrypted: bytes | memoryview) -> bytes | None:
    """Encrypt credentials with the first key; return None if they already are.

    Raises WarehouseError if no key fits.
    """
    try:
        Fernet(settings.CREDENTIAL_KEYS[0]).decrypt(bytes(encrypted))
    except InvalidToken:
        return encrypt_credentials(decrypt_credentials(encrypted))
    return None


def _build_cipher() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])
