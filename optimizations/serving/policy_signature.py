"""Sign what clients decide with: Ed25519 signatures, and the public keys as a JWK set."""

import base64
import binascii
import functools
import hashlib
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

ALGORITHM = "ed25519"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its public half as a JWK (RFC 8037).

    `key_id` is the thumbprint of the public half (RFC 7638).
    """

    key_id: str
    private_key: Ed25519PrivateKey
    public_jwk: dict[str, str]


def parse_signing_key(text: str) -> SigningKey:
    """Parse the 32 bytes of an Ed25519 private key in URL-safe base64.

    Raises ValueError if the text is anything else.
    """
    try:
        private_key = Ed25519PrivateKey.from_private_bytes(
            base64.urlsafe_b64decode(text)
        )
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not URL-safe base64") from error
    x = _encode_base64url(private_key.public_key().public_bytes_raw())
    thumbprint = hashlib.sha256(
        f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()
    ).digest()
    key_id = _encode_base64url(thumbprint)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": x}
    return SigningKey(
        key_id, private_key, jwk | {"kid": key_id, "use": "sig", "alg": "EdDSA"}
    )


def get_current_key() -> SigningKey:
    """Return the key that signs: the first of POLICY_SIGNING_KEYS."""
    return _load_key(settings.POLICY_SIGNING_KEYS[0])


def build_key_set() -> dict[str, Any]:
    """Return the public halves of all keys as a JWK set (RFC 7517)."""
    return {
        "keys": [_load_key(text).public_jwk for text in settings.POLICY_SIGNING_KEYS]
    }


def sign_content(content: bytes, key: SigningKey) -> str:
    """Return the signature over the bytes as a header's value.

    The value is a dictionary of structured fields (RFC 8941): `keyid="…",
    alg="ed25519", sig=:…:`, where `sig` is base64.
    """
    signature = base64.b64encode(key.private_key.sign(content)).decode()
    return f'keyid="{key.key_id}", alg="{ALGORITHM}", sig=:{signature}:'


@functools.lru_cache(maxsize=8)
def _load_key(text: str) -> SigningKey:
    return parse_signing_key(text)


def _encode_base64url(data: bytes) -> str:
    """Encode without padding, as JSON Web Keys do."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
