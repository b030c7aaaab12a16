"""Tokens of share links: random, signed by SECRET_KEY, stored as digests."""

import hashlib
import re
import secrets

from django.core.signing import BadSignature, Signer

# Logs hide what begins with lev_, see observability.logs.
PREFIX = "lev_share_"
RANDOM_BYTES = 24
SALT = "optimizations.sharing"
_SEPARATOR = ":"  # in neither part
_TOKEN = re.compile(rf"{PREFIX}([\w-]{{32}})([\w-]{{43}})", re.ASCII)


def make_token() -> str:
    """Return a new token: 192 random bits and their signature."""
    text = secrets.token_urlsafe(RANDOM_BYTES)
    return f"{PREFIX}{text}{_get_signer().signature(text)}"


def read_digest(token: str) -> str | None:
    """Return the digest by which a token is stored; None unless this service signed it.

    So nobody makes the database look for tokens that never were.
    """
    parts = _TOKEN.fullmatch(token)
    if parts is None:
        return None
    try:
        _get_signer().unsign(_SEPARATOR.join(parts.groups()))
    except BadSignature:
        return None
    return compute_digest(token)


def compute_digest(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _get_signer() -> Signer:
    return Signer(sep=_SEPARATOR, salt=SALT)
