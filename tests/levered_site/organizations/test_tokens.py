"""Valid and invalid tokens of Clerk and of the local issuer."""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django import Settings

from levered_site.errors import (
    ConflictError,
    ForbiddenError,
    UnauthorizedError,
    UnavailableError,
)
from levered_site.organizations import tokens
from levered_site.organizations.actors import Caller
from tests.support import factories
from tests.support.clerk import ISSUER, Clerk, make_rsa_key, run_clerk


@pytest.fixture
def clerk(settings: Settings) -> Iterator[Clerk]:
    """Configure the service for a running stand-in for Clerk."""
    with run_clerk() as running:
        settings.CLERK_ISSUER = ISSUER
        settings.CLERK_JWKS_URL = running.url
        yield running


def test_a_version_2_token_names_its_organization(clerk: Clerk) -> None:
    identity = tokens.verify_token(clerk.sign_token())

    assert identity.caller == Caller("org_clerk", "user_carol", "admin")
    assert identity.organization_name == "acme"


@pytest.mark.parametrize(
    ("claim", "role"),
    [
        ("org:admin", "admin"),
        ("admin", "admin"),
        ("org:member", "member"),
        (7, "member"),
    ],
)
def test_a_version_1_token_names_its_organization(
    clerk: Clerk, claim: object, role: str
) -> None:
    token = clerk.sign_token(o=None, v=None, org_id="org_old", org_role=claim)

    identity = tokens.verify_token(token)

    assert identity.caller == Caller("org_old", "user_carol", role)


def test_a_valid_token_without_an_organization_is_forbidden(clerk: Clerk) -> None:
    with pytest.raises(ForbiddenError, match="no organization"):
        tokens.verify_token(clerk.sign_token(o=None))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1_700_000_000},
        {"exp": None},
        {"exp": "tomorrow"},
        *({"exp": [1]}, {"exp": {}}, {"exp": float("inf")}, {"exp": True}),
        *({"nbf": []}, {"iat": []}, {"nbf": {"a": 1}}, {"iat": float("inf")}),
        *({"sub": 7}, {"sub": ["user_carol"]}),
        {"nbf": 4_000_000_000},
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"sub": None},
        {"sub": "x" * 129},
        {"o": {"id": "x" * 65}},
        {"o": {"id": ["org_a"]}},
        {"o": {"id": "org a"}},
        {"o": {"id": "org_a", "rol": ["admin"]}},
        {"o": {"id": "org_a", "rol": {"admin": 1}}},
        {"o": None, "org_id": "org_a", "org_role": ["org:admin"]},
        {"sts": "pending"},
        {"sts": ["active"]},
        {"sts": None, "o": {"id": "org_a", "rol": [[]]}},
        {"o": {"id": "org\0a"}},
    ],
)
def test_an_invalid_claim_is_unauthorized(clerk: Clerk, claims: dict[str, Any]) -> None:
    with pytest.raises(UnauthorizedError):
        tokens.verify_token(clerk.sign_token(**claims))


def test_an_active_session_may_say_so(clerk: Clerk) -> None:
    identity = tokens.verify_token(clerk.sign_token(sts="active"))

    assert identity.caller.role == "admin"


def test_clocks_may_differ_by_the_leeway(clerk: Clerk, settings: Settings) -> None:
    settings.CLERK_LEEWAY_SECONDS = 10
    now = int(time.time())

    tokens.verify_token(clerk.sign_token(exp=now - 5, nbf=now + 5, iat=now + 5))

    with pytest.raises(UnauthorizedError):
        tokens.verify_token(clerk.sign_token(exp=now - 15))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é", "." * 9000, "eyJhbGciOi"])
def test_malformed_tokens_are_unauthorized(clerk: Clerk, text: str) -> None:
    with pytest.raises(UnauthorizedError):
        tokens.verify_token(text)


def test_other_algorithms_are_unauthorized(clerk: Clerk) -> None:
    claims = jwt.decode(clerk.sign_token(), options={"verify_signature": False})
    unsigned = jwt.encode(claims, "", "none", headers={"kid": "first"})
    elliptic = jwt.encode(
        claims,
        ec.generate_private_key(ec.SECP256R1()),
        "ES256",
        headers={"kid": "first"},
    )
    symmetric = jwt.encode(claims, "x" * 64, "HS256", headers={"kid": "first"})

    for token in (unsigned, elliptic, symmetric):
        with pytest.raises(UnauthorizedError):
            tokens.verify_token(token)


def test_a_signature_by_another_key_is_unauthorized(clerk: Clerk) -> None:
    stranger = Clerk()
    stranger.keys["first"] = make_rsa_key("stranger")

    with pytest.raises(UnauthorizedError):
        tokens.verify_token(stranger.sign_token())


def test_an_unprintable_slug_is_cleaned(clerk: Clerk) -> None:
    strange = {"id": "org_clerk", "rol": "admin", "slg": "a\0b\ud800c" + "d" * 300}
    empty = {"id": "org_clerk", "rol": "admin", "slg": "\0"}

    names = [
        tokens.verify_token(clerk.sign_token(o=claim)).organization_name
        for claim in (strange, empty)
    ]

    assert names == ["abc" + "d" * 197, "org_clerk"]


@pytest.mark.django_db
def test_an_invalid_key_id_is_unauthorized(clerk: Clerk) -> None:
    for kid in ("\ud800", "\0", "x" * 5000):
        clerk.keys[kid] = make_rsa_key("first")

        refused = factories.Api(clerk.sign_token(kid=kid)).get("/me")

        assert factories.read_error(refused)["code"] == "unauthorized"


def test_keys_are_fetched_once(clerk: Clerk) -> None:
    for _ in range(3):
        tokens.verify_token(clerk.sign_token())

    assert clerk.fetches == 1


def test_unknown_keys_cause_at_most_one_fetch_in_30_seconds(clerk: Clerk) -> None:
    clerk.add_key("second", publish=False)
    tokens.verify_token(clerk.sign_token())

    for _ in range(5):
        with pytest.raises(UnauthorizedError):
            tokens.verify_token(clerk.sign_token(kid="second"))

    assert clerk.fetches == 1
    key_set = tokens._get_issuer_key_set(clerk.url)
    key_set._last_successful_fetch = time.monotonic() - tokens.REFETCH_SECONDS
    for _ in range(5):
        with pytest.raises(UnauthorizedError):
            tokens.verify_token(clerk.sign_token(kid="second"))
    assert clerk.fetches == 2


def test_a_new_key_of_the_issuer_is_found(clerk: Clerk) -> None:
    tokens.verify_token(clerk.sign_token())
    clerk.add_key("second")
    key_set = tokens._get_issuer_key_set(clerk.url)
    key_set._last_successful_fetch = time.monotonic() - tokens.REFETCH_SECONDS

    identity = tokens.verify_token(clerk.sign_token(kid="second"))

    assert identity.caller.organization_id == "org_clerk"


def test_an_unreachable_issuer_is_unavailable_not_unauthorized(clerk: Clerk) -> None:
    clerk.status = 500

    for _ in range(3):
        with pytest.raises(UnavailableError):
            tokens.verify_token(clerk.sign_token())

    assert clerk.fetches == 1


def test_known_keys_keep_working_without_the_issuer(clerk: Clerk) -> None:
    tokens.verify_token(clerk.sign_token())
    clerk.status = 500
    key_set = tokens._get_issuer_key_set(clerk.url)
    assert key_set.jwk_set_cache is not None
    key_set.jwk_set_cache.jwk_set_with_timestamp = None

    identity = tokens.verify_token(clerk.sign_token())

    assert identity.caller.organization_id == "org_clerk"
    assert clerk.fetches == 2


def test_a_pinned_key_needs_no_network(clerk: Clerk, settings: Settings) -> None:
    settings.CLERK_PEM_KEY = clerk.build_pem()
    settings.CLERK_JWKS_URL = "http://127.0.0.1:9/nobody"

    identity = tokens.verify_token(clerk.sign_token())

    assert identity.caller.user_id == "user_carol"
    assert clerk.fetches == 0


def test_allow_lists_restrict_session_and_oauth_tokens(
    clerk: Clerk, settings: Settings
) -> None:
    settings.CLERK_AUTHORIZED_PARTIES = ["https://app.example"]
    settings.CLERK_AUDIENCES = ["client_1"]
    good: list[dict[str, Any]] = [
        {"azp": "https://app.example"},
        {"aud": "client_1"},
        {"aud": ["client_0", "client_1"]},
    ]
    bad: list[dict[str, Any]] = [
        {},
        {"azp": "https://evil.example"},
        {"azp": "https://evil.example", "aud": "client_1"},
        {"aud": "client_2"},
        {"aud": ["client_2"], "azp": "https://app.example"},
        {"aud": [["client_1"]]},
        {"aud": {"client_1": 1}},
        {"azp": ["https://app.example"]},
    ]

    for claims in good:
        tokens.verify_token(clerk.sign_token(**claims))

    for claims in bad:
        with pytest.raises(UnauthorizedError):
            tokens.verify_token(clerk.sign_token(**claims))


def test_a_local_token_is_valid() -> None:
    token = tokens.issue_token("org_demo", "member", user_id="user_dora")

    identity = tokens.verify_token(token)

    assert identity.caller == Caller("org_demo", "user_dora", "member")


def test_a_local_token_expires() -> None:
    token = tokens.issue_token("org_demo", "admin", lifetime=timedelta(hours=-1))

    with pytest.raises(UnauthorizedError, match="expired"):
        tokens.verify_token(token)


def test_the_local_issuer_is_off_when_clerk_is_configured(settings: Settings) -> None:
    token = tokens.issue_token("org_demo", "admin")
    settings.CLERK_ISSUER = ISSUER
    settings.CLERK_PEM_KEY = Clerk().build_pem()

    with pytest.raises(ConflictError):
        tokens.issue_token("org_demo", "admin")
    with pytest.raises(UnauthorizedError):
        tokens.verify_token(token)
