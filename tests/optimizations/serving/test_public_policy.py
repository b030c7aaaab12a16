"""GET /optimizations/:id/policy: who may read it, caching, signature."""

import base64
import gzip
import re
from typing import Any

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.http import HttpResponse
from pytest_django import Settings

from levered_site.local import embedded
from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Optimization
from tests.support import factories, optimization_factories, tracking
from tests.support.factories import Api, read_body, read_error
from tests.support.optimization_factories import make_live_optimization

pytestmark = pytest.mark.django_db(transaction=True)

UNKNOWN = "00000000-0000-0000-0000-000000000007"


def make_public(**overrides: Any) -> Optimization:
    """Make a live optimization whose policy is public."""
    return make_live_optimization(public_policy=True, **overrides)


def get_policy(
    optimization: Optimization, api: Api | None = None, **headers: str
) -> HttpResponse:
    """Read the policy, by default without a token."""
    return (api or Api()).get(f"/optimizations/{optimization.pk}/policy", **headers)


def verify_signature(response: HttpResponse, content: bytes) -> None:
    """Verify a signature as a client does: by the published key that it names."""
    match = re.fullmatch(
        r'keyid="([^"]+)", alg="ed25519", sig=:([^:]+):', response["Levered-Signature"]
    )
    assert match
    answer = Api().request("GET", "/.well-known/levered-keys.json", base="")
    keys = {jwk["kid"]: jwk for jwk in read_body(answer)["keys"]}
    x = base64.urlsafe_b64decode(keys[match[1]]["x"] + "=")
    Ed25519PublicKey.from_public_bytes(x).verify(base64.b64decode(match[2]), content)


def test_anybody_may_read_a_public_policy() -> None:
    optimization = make_public(holdout_percentage=25)

    response = get_policy(optimization)

    body = read_body(response)
    assert response.status_code == 200
    assert set(body) == {
        *("optimization_id", "status", "version", "revision", "variants"),
        *("context_factors", "contexts", "holdout", "draw_rule", "draw"),
    }
    assert body["draw_rule"] == "rendezvous"
    assert body["holdout"]["threshold"] == "40000000"
    assert [row["context"] for row in body["contexts"]] == [
        {"device": "mobile"},
        {"device": "desktop"},
        {"device": {"other": True}},
        {"device": None},
    ]
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Levered-Signature" in response["Access-Control-Expose-Headers"]
    assert response["Cache-Control"].startswith("public, max-age=")
    assert "stale-while-revalidate=" in response["Cache-Control"]
    assert response["Vary"] == "Accept-Encoding, Origin"


def test_a_policy_tells_neither_names_nor_metrics() -> None:
    optimization = make_public(name="Secret launch")

    text = get_policy(optimization).content.decode()

    assert optimization.reward_metric is not None
    for secret in (
        *("Secret launch", optimization.reward_metric.name, "purchase"),
        *(optimization.organization_id, str(optimization.model_id)),
    ):
        assert secret not in text


def test_a_private_policy_needs_a_token_of_the_organization() -> None:
    organization = optimization_factories.make_organization()
    optimization = optimization_factories.make_optimization(organization)
    other = factories.make_member_api(factories.make_organization())

    hidden = [get_policy(optimization), get_policy(optimization, other)]
    unknown = Api().get(f"/optimizations/{UNKNOWN}/policy")
    owned = get_policy(optimization, factories.make_member_api(organization))

    for response in hidden:
        assert response.status_code == unknown.status_code == 404
        assert read_error(response) == read_error(unknown)
    assert owned.status_code == 200
    assert owned["Cache-Control"].startswith("private, ")
    assert "Authorization" in owned["Vary"]


def test_an_invalid_token_is_refused_the_same_for_unknown_ids() -> None:
    optimization = make_live_optimization()

    answers = [
        Api("invalid").get(f"/optimizations/{pk}/policy")
        for pk in (optimization.pk, UNKNOWN)
    ]

    assert [answer.status_code for answer in answers] == [401, 401]


def test_the_switch_is_a_field_of_the_optimization() -> None:
    organization = optimization_factories.make_organization()
    metric = optimization_factories.make_metric(organization)
    api = factories.make_member_api(organization)
    body = optimization_factories.make_body(reward_metric_id=str(metric.pk))
    created = read_body(api.post("/optimizations", body))
    path = f"/optimizations/{created['id']}"
    before = Api().get(f"{path}/policy")

    changed = read_body(api.patch(path, {"public_policy": True}))
    after = Api().get(f"{path}/policy")
    api.patch(path, {"public_policy": False})
    again = Api().get(f"{path}/policy")

    assert (created["public_policy"], changed["public_policy"]) == (False, True)
    assert [answer.status_code for answer in (before, after, again)] == [404, 200, 404]


@pytest.mark.parametrize(
    ("steps", "is_readable"),
    [(["paused"], True), (["completed"], False), (["archived"], False)],
)
def test_an_ended_optimization_has_no_public_policy(
    steps: list[str], is_readable: bool
) -> None:
    optimization = make_public()
    for step in steps:
        optimization = lifecycle.change_status(optimization, step, SYSTEM_ACTOR)

    response = get_policy(optimization)

    assert response.status_code == (200 if is_readable else 404)
    if is_readable:
        assert read_body(response)["status"] == steps[-1]


def test_a_draft_has_no_policy_yet() -> None:
    organization = optimization_factories.make_organization()
    draft = optimization_factories.make_optimization(
        organization, status="draft", public_policy=True
    )

    with_token = get_policy(draft, factories.make_member_api(organization))

    assert get_policy(draft).status_code == 404
    assert with_token.status_code == 409


def test_the_policy_is_sent_again_only_when_it_changed() -> None:
    optimization = make_public()
    first = get_policy(optimization)

    unchanged = get_policy(optimization, If_None_Match=first["ETag"])
    weak = get_policy(optimization, If_None_Match=f"W/{first['ETag']}")
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    changed = get_policy(optimization, If_None_Match=first["ETag"])

    for response in (unchanged, weak):
        assert (response.status_code, response.content) == (304, b"")
        for name in ("ETag", "Cache-Control", "Vary", "Levered-Signature"):
            assert response[name] == first[name]
    assert changed.status_code == 200
    before, after = read_body(first), read_body(changed)
    assert after["revision"] > before["revision"]
    assert after["contexts"][0]["probabilities"][2] == 0


def test_head_tells_the_headers_alone() -> None:
    optimization = make_public()
    response = get_policy(optimization)

    head = Api().request("HEAD", f"/optimizations/{optimization.pk}/policy")

    assert (head.status_code, head.content) == (200, b"")
    assert head["ETag"] == response["ETag"]
    assert head["Levered-Signature"] == response["Levered-Signature"]


def test_a_preflight_of_any_origin_is_answered() -> None:
    optimization = make_public()

    preflight = Api().request(
        "OPTIONS",
        f"/optimizations/{optimization.pk}/policy",
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "GET",
        },
    )

    assert preflight.status_code == 204
    assert preflight["Access-Control-Allow-Origin"] == "https://shop.example"


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1, gzip;q=0.5", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
    ],
)
def test_the_policy_is_compressed_when_asked(
    accepted: str, is_compressed: bool
) -> None:
    optimization = make_public()
    plain = get_policy(optimization)

    response = get_policy(optimization, Accept_Encoding=accepted)

    if not is_compressed:
        assert "Content-Encoding" not in response
        assert (response.content, response["ETag"]) == (plain.content, plain["ETag"])
        return
    assert response["Content-Encoding"] == "gzip"
    assert response["ETag"] == f"W/{plain['ETag']}"
    assert response["Levered-Signature"] == plain["Levered-Signature"]
    assert gzip.decompress(response.content) == plain.content


def test_the_signature_is_over_the_bytes_of_the_body() -> None:
    response = get_policy(make_public())

    verify_signature(response, response.content)
    with pytest.raises(InvalidSignature):
        verify_signature(response, response.content.replace(b"0.25", b"0.26", 1))


def test_keys_are_rotated_by_listing_several(settings: Settings) -> None:
    optimization = make_public()
    old = get_policy(optimization)
    settings.POLICY_SIGNING_KEYS = [
        embedded.generate_signing_key(),
        *settings.POLICY_SIGNING_KEYS,
    ]

    new = get_policy(optimization)

    assert new["ETag"] == old["ETag"]
    assert new["Levered-Signature"] != old["Levered-Signature"]
    verify_signature(old, old.content)
    verify_signature(new, new.content)


def test_the_published_keys_are_public_halves_only() -> None:
    response = Api().request("GET", "/.well-known/levered-keys.json", base="")

    (jwk,) = orjson.loads(response.content)["keys"]
    assert set(jwk) == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (jwk["kty"], jwk["crv"]) == ("OKP", "Ed25519")
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Cache-Control"].startswith("public, max-age=")


def test_reading_a_policy_is_counted_by_address(settings: Settings) -> None:
    settings.RATELIMIT_SERVE = "2/d"
    optimization = make_public()

    answers = [get_policy(optimization).status_code for _ in range(3)]

    assert answers == [200, 200, 429]


@pytest.mark.parametrize("is_public", [True, False])
def test_reading_a_policy_with_a_key_is_counted_per_key(
    settings: Settings, *, is_public: bool
) -> None:
    settings.RATELIMIT_SERVE, settings.RATELIMIT_SERVE_KEY = "1/d", "2/d"
    optimization = make_live_optimization(public_policy=is_public)
    first, second = (
        Api(factories.make_api_key(optimization.organization, scopes=["read"]))
        for _ in range(2)
    )

    answers = [
        [get_policy(optimization, api) for _ in range(3)] for api in (first, second)
    ]
    visitor = get_policy(optimization)

    assert [[each.status_code for each in row] for row in answers] == [
        [200, 200, 429],
        [200, 200, 429],
    ]
    assert answers[0][0]["RateLimit-Limit"] == "2"
    assert visitor.status_code == (200 if is_public else 404)
    assert visitor["RateLimit-Remaining"] == "0"


def test_a_public_policy_with_a_key_that_does_not_work_is_counted_by_address(
    settings: Settings,
) -> None:
    settings.RATELIMIT_SERVE = settings.RATELIMIT_GLOBAL = "2/d"
    optimization = make_public()
    stranger = Api("lev_no_such_key")

    answers = [get_policy(optimization, stranger) for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    assert read_error(answers[2])["code"] == "rate_limited"


@pytest.mark.parametrize("is_public", [True, False])
def test_wrong_keys_at_a_policy_use_up_nothing_of_the_visitors(
    settings: Settings, *, is_public: bool
) -> None:
    settings.RATELIMIT_SERVE = "1/d"
    optimization = make_live_optimization(public_policy=is_public)
    stranger = Api("lev_no_such_key")

    before = [get_policy(optimization, stranger).status_code for _ in range(3)]
    visitor = get_policy(optimization).status_code
    after = get_policy(optimization, stranger).status_code

    assert before == [200 if is_public else 401] * 3
    assert visitor == (200 if is_public else 404)
    assert after == before[0]


def test_a_private_policy_with_a_key_that_does_not_work_is_refused() -> None:
    optimization = make_live_optimization()

    refused = get_policy(optimization, Api("lev_no_such_key"))

    assert refused.status_code == 401


def test_a_publishable_key_counts_a_policy_by_address(settings: Settings) -> None:
    settings.RATELIMIT_SERVE = "1/d"
    optimization = make_public()
    page = Api(tracking.make_publishable_key(optimization.organization))

    assert [get_policy(optimization, page).status_code for _ in range(2)] == [200, 429]
