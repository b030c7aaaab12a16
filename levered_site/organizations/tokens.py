"""Bearer tokens: Clerk's, or those of the local issuer where Clerk is not configured."""

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

ALGORITHM = "RS256"  # pinned: what the token says about itself decides nothing
LOCAL_ISSUER = "levered:local"
KEY_FILE = "issuer_key.pem"
ADMIN_ROLES = frozenset({"admin", "org:admin"})
FETCH_TIMEOUT_SECONDS = 3
REFETCH_SECONDS = 30  # an unknown `kid` asks the issuer again no sooner than this
RETRY_SECONDS = 2  # a failed fetch is not repeated sooner than this
INVALID_BEARER = "The token is not valid: {reason}"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a valid token says; `organization_name` is the slug where there is one."""

    caller: Caller
    organization_name: str


class IssuerKeySet(jwt.PyJWKClient):
    """The issuer's published keys.

    An issuer that is away is not asked at every call, and the keys known last keep
    working.
    """

    def __init__(self, uri: str) -> None:
        super().__init__(
            uri,
            timeout=FETCH_TIMEOUT_SECONDS,
            lifespan=300,
            cooldown_duration=REFETCH_SECONDS,
        )
        self._last_good: Any = None
        self._retry_at = 0.0

    def fetch_data(self) -> Any:
        """Fetch, or fall back on the last good answer."""
        if time.monotonic() >= self._retry_at:
            try:
                found = super().fetch_data()
                self._get_signing_keys_from_jwk_set(jwt.PyJWKSet.from_dict(found))
            except (jwt.PyJWTError, ValueError) as error:
                self._retry_at = time.monotonic() + RETRY_SECONDS
                if self._last_good is None:
                    raise jwt.PyJWKClientConnectionError(str(error)) from error
            else:
                self._last_good = found
        if self._last_good is None:
            raise jwt.PyJWKClientConnectionError("the last attempt failed")
        return self._last_good


def is_clerk_configured() -> bool:
    """Whether tokens come from Clerk; the local issuer is off then."""
    return bool(
        settings.CLERK_ISSUER or settings.CLERK_JWKS_URL or settings.CLERK_PEM_KEY
    )


def verify_token(token: str) -> Identity:
    """Check a token and say who it is.

    Raises:
        UnauthorizedError: signature, algorithm, issuer, times or allow lists do not hold.
        ForbiddenError: it is valid, and of no organization.
        UnavailableError: the issuer's keys cannot be fetched just now.
    """
    claims = _decode_claims(token)
    if is_clerk_configured():
        _check_party(claims)
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
            "The issuer's keys cannot be fetched just now.", retry_after=RETRY_SECONDS
        ) from error
    except (jwt.PyJWTError, ValueError) as error:
        raise UnauthorizedError(INVALID_BEARER.format(reason=error)) from error


def _get_verification_key(token: str) -> RSAPublicKey:
    if not is_clerk_configured():
        return load_local_key().public_key()
    if settings.CLERK_PEM_KEY:
        return _load_public_key(settings.CLERK_PEM_KEY)
    kid = jwt.get_unverified_header(token).get("kid")
    if not isinstance(kid, str):
        raise jwt.InvalidTokenError("it names no key")
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
    """Hold a session token to its `azp`, an OAuth token to its `aud`."""
    parties, audiences = settings.CLERK_AUTHORIZED_PARTIES, settings.CLERK_AUDIENCES
    named = claims.get("aud") or []
    named = named if isinstance(named, list) else [named]
    if "azp" in claims and parties and claims["azp"] not in parties:
        raise UnauthorizedError(
            INVALID_BEARER.format(reason="azp is not an authorized party")
        )
    if named and audiences and not any(one in audiences for one in named):
        raise UnauthorizedError(
            INVALID_BEARER.format(reason="aud is not an accepted audience")
        )
    bound = ("azp" in claims and parties) or (named and audiences)
    if (parties or audiences) and not bound:
        raise UnauthorizedError(
            INVALID_BEARER.format(reason="it names neither azp nor aud")
        )


def _build_identity(claims: Mapping[str, Any]) -> Identity:
    compact = claims.get("o")
    if isinstance(compact, Mapping):  # version 2 of Clerk's session tokens
        found = (compact.get("id"), compact.get("rol"), compact.get("slg"))
    else:
        found = (claims.get("org_id"), claims.get("org_role"), claims.get("org_slug"))
    organization_id, role, slug = found
    if not organization_id:
        raise ForbiddenError(
            "The token is of no organization: choose one and sign in again."
        )
    subject = claims["sub"]
    if not _is_valid_id(organization_id, 64) or not _is_valid_id(subject, 128):
        raise UnauthorizedError(INVALID_BEARER.format(reason="its ids are malformed"))
    caller = Caller(
        organization_id=organization_id,
        user_id=subject,
        role="admin" if role in ADMIN_ROLES else "member",
    )
    name = slug if isinstance(slug, str) and slug.strip() else organization_id
    printable = "".join(each for each in name if each.isprintable())[:200]
    return Identity(caller, printable or organization_id)


def _is_valid_id(value: object, longest: int) -> bool:
    return isinstance(value, str) and bool(
        re.fullmatch(rf"[\x21-\x7e]{{1,{longest}}}", value)
    )


def load_local_key() -> RSAPrivateKey:
    """Load the local issuer's key; the first call of an installation makes it."""
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
    """Sign a token of the local issuer.

    Raises:
        ConflictError: Clerk is configured, so that nobody would accept it.
    """
    if is_clerk_configured():
        raise ConflictError("The local issuer is off: tokens come from Clerk.")
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
