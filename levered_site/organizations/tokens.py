"""Bearer tokens: verify Clerk's, or issue and verify local ones without Clerk."""

import functools
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)
from django.conf import settings
from django.utils import timezone

from levered_site.errors import (
    ConflictError,
    ForbiddenError,
    UnauthorizedError,
    UnavailableError,
)
from levered_site.local import embedded
from levered_site.organizations.actors import Caller

ALGORITHM = "RS256"  # pinned: the token's own `alg` is not trusted
LOCAL_ISSUER = "levered:local"
KEY_FILE = "issuer_key.pem"
ADMIN_ROLES = frozenset({"admin", "org:admin"})
FETCH_TIMEOUT_SECONDS = 3
REFETCH_SECONDS = 30  # minimum time between two fetches for an unknown `kid`
RETRY_SECONDS = 2  # minimum time after a failed fetch
INVALID_BEARER = "The token is not valid ({reason}). Get a new one."


@dataclass(frozen=True, slots=True)
class Identity:
    """What a valid token says; `organization_name` is its slug, else the id."""

    caller: Caller
    organization_name: str


class IssuerKeySet(jwt.PyJWKClient):
    """The issuer's published keys.

    While the issuer is unreachable, the last keys keep working, and not every call
    waits for it.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(
            uri,
            timeout=FETCH_TIMEOUT_SECONDS,
            lifespan=300,
            cooldown_duration=REFETCH_SECONDS,
        )
        self._last_key_set: Any = None
        self._retry_at = 0.0

    def fetch_data(self) -> Any:
        """Fetch the key set, or return the last valid one."""
        if time.monotonic() >= self._retry_at:
            try:
                key_set = super().fetch_data()
                self._get_signing_keys_from_jwk_set(jwt.PyJWKSet.from_dict(key_set))
            except (jwt.PyJWTError, ValueError) as error:
                self._retry_at = time.monotonic() + RETRY_SECONDS
                if self._last_key_set is None:
                    raise jwt.PyJWKClientConnectionError(str(error)) from error
            else:
                self._last_key_set = key_set
        if self._last_key_set is None:
            raise jwt.PyJWKClientConnectionError("the last attempt failed")
        return self._last_key_set


def is_clerk_configured() -> bool:
    """Return whether tokens come from Clerk, which turns the local issuer off."""
    return bool(
        settings.CLERK_ISSUER or settings.CLERK_JWKS_URL or settings.CLERK_PEM_KEY
    )


def verify_token(token: str) -> Identity:
    """Verify a token and return whom it names.

    Raises:
        UnauthorizedError: its signature, algorithm, issuer, times or claims are invalid,
            its session is pending, or it is not on the allow lists.
        ForbiddenError: it is valid but names no organization.
        UnavailableError: the issuer's keys cannot be fetched.
    """
    claims = _decode_claims(token)
    if is_clerk_configured():
        _check_party(claims)
    if claims.get("sts", "active") != "active":
        raise UnauthorizedError(
            INVALID_BEARER.format(reason="its session is not active: finish signing in")
        )
    return _build_identity(claims)


def _decode_claims(token: str) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            _get_verification_key(token),
            algorithms=[ALGORITHM],
            issuer=settings.CLERK_ISSUER if is_clerk_configured() else LOCAL_ISSUER,
            leeway=settings.CLERK_LEEWAY_SECONDS,
            options={"require": ["exp", "iss", "sub"], "verify_aud": False},
        )
    except jwt.PyJWKClientConnectionError as error:
        raise UnavailableError(
            "The keys of the token issuer cannot be fetched; try again in a moment.",
            retry_after=RETRY_SECONDS,
        ) from error
    # PyJWT passes on what a time raises that is a list, or is infinite.
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        raise UnauthorizedError(INVALID_BEARER.format(reason=error)) from error


def _get_verification_key(token: str) -> RSAPublicKey:
    if not is_clerk_configured():
        return load_local_key().public_key()
    if settings.CLERK_PEM_KEY:
        return _load_public_key(settings.CLERK_PEM_KEY)
    kid = jwt.get_unverified_header(token).get("kid")
    if not isinstance(kid, str):
        raise jwt.InvalidTokenError("it has no `kid`")
    url = settings.CLERK_JWKS_URL or f"{settings.CLERK_ISSUER}/.well-known/jwks.json"
    key = _get_issuer_key_set(url).get_signing_key(kid).key
    if not isinstance(key, RSAPublicKey):
        raise jwt.InvalidKeyError("the key is not an RSA key")
    return key


@functools.lru_cache(maxsize=4)
def _get_issuer_key_set(url: str) -> IssuerKeySet:
    return IssuerKeySet(url)


@functools.lru_cache(maxsize=4)
def _load_public_key(pem: str) -> RSAPublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise jwt.InvalidKeyError("CLERK_PEM_KEY is not an RSA public key")
    return key


def _check_party(claims: Mapping[str, Any]) -> None:
    """Raise if the token's `azp` (session) or `aud` (OAuth) is not on its allow list."""
    parties, audiences = settings.CLERK_AUTHORIZED_PARTIES, settings.CLERK_AUDIENCES
    aud_claim = claims.get("aud") or []
    token_audiences = aud_claim if isinstance(aud_claim, list) else [aud_claim]
    if "azp" in claims and parties and claims["azp"] not in parties:
        raise UnauthorizedError(
            INVALID_BEARER.format(reason="azp is not an authorized party")
        )
    if (
        token_audiences
        and audiences
        and not any(audience in audiences for audience in token_audiences)
    ):
        raise UnauthorizedError(
            INVALID_BEARER.format(reason="aud is not an accepted audience")
        )
    is_checked = ("azp" in claims and parties) or (token_audiences and audiences)
    if (parties or audiences) and not is_checked:
        raise UnauthorizedError(
            INVALID_BEARER.format(reason="it has neither azp nor aud")
        )


def _build_identity(claims: Mapping[str, Any]) -> Identity:
    compact = claims.get("o")
    if isinstance(compact, Mapping):  # version 2 of Clerk's session tokens
        names, source = ("id", "rol", "slg"), compact
    else:
        names, source = ("org_id", "org_role", "org_slug"), claims
    organization_id, role, slug = (source.get(name) for name in names)
    if not organization_id:
        raise ForbiddenError(
            "The token names no organization: choose one and sign in again."
        )
    subject = claims["sub"]
    if not _is_valid_id(organization_id, 64) or not _is_valid_id(subject, 128):
        raise UnauthorizedError(INVALID_BEARER.format(reason="its ids are malformed"))
    if isinstance(role, list | dict):
        raise UnauthorizedError(INVALID_BEARER.format(reason="its role is no text"))
    caller = Caller(
        organization_id=organization_id,
        user_id=subject,
        role="admin" if role in ADMIN_ROLES else "member",
    )
    name = slug if isinstance(slug, str) and slug.strip() else organization_id
    printable = "".join(filter(str.isprintable, name))[:200]
    return Identity(caller, printable or organization_id)


def _is_valid_id(value: object, max_length: int) -> bool:
    return isinstance(value, str) and bool(
        re.fullmatch(rf"[\x21-\x7e]{{1,{max_length}}}", value)
    )


def load_local_key() -> RSAPrivateKey:
    """Return the local issuer's key; the first call of an installation creates it."""
    return _load_private_key(
        embedded.load_or_create_secret(
            settings.LEVERED_HOME, KEY_FILE, embedded.generate_issuer_key
        )
    )


@functools.lru_cache(maxsize=4)
def _load_private_key(pem: str) -> RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{KEY_FILE} is not an RSA key")
    return key


def issue_token(
    organization_id: str,
    role: str,
    *,
    user_id: str = "user_local",
    lifetime: timedelta = timedelta(hours=12),
) -> str:
    """Return a token signed by the local issuer.

    Raises:
        ConflictError: Clerk is configured, so the service would not accept the token.
    """
    if is_clerk_configured():
        raise ConflictError(
            "The local issuer is off because Clerk is configured: use Clerk's tokens."
        )
    now = timezone.now()
    claims = {
        "iss": LOCAL_ISSUER,
        "sub": user_id,
        "iat": now,
        "nbf": now,
        "exp": now + lifetime,
        "jti": uuid.uuid4().hex,
        "v": 2,
        "o": {"id": organization_id, "rol": role},
    }
    return jwt.encode(claims, load_local_key(), algorithm=ALGORITHM)
