"""The ASGI front answers what Django's view answers: JSON, headers and rows."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st
from pytest_django import Settings

from levered_site.organizations import api_keys
from levered_site.organizations.actors import SYSTEM_ACTOR
from levered_site.organizations.models import ApiKey
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Assignment, Decision
from optimizations.serving import snapshot_poller
from optimizations.serving.known_users import known_users
from tests.support import optimization_factories as make, serve_front
from tests.support.factories import Api, make_api_key
from tests.support.running_service import until
from tests.support.serve_front import Front, FrontResponse

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "/api/v2"
BEST_VARIANT = "/optimizations/best-variant"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"
CHANGING_HEADERS = ("x-request-id", "ratelimit-remaining", "ratelimit-reset")
ROW_FIELDS = (
    *("anonymous_id", "variant_number", "in_holdout", "policy_version", "propensity"),
    *("organization_id", "variant", "context", "draw_rule", "redraw"),
)

_values: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["mobile", "desktop", "TV", "", "1", None, True, False, 1, 1.0]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.just([]),
)
_bodies = st.fixed_dictionaries(
    {},
    optional={
        "context": st.one_of(
            st.dictionaries(st.sampled_from(["device", "plan", "x"]), _values),
            st.just("mobile"),
        ),
        "dry_run": st.sampled_from([True, False, None, "yes"]),
        "record": st.sampled_from([True, False, None]),
        "newer_field": _values,
    },
)
_ids = st.one_of(
    st.text(min_size=1, max_size=8),
    st.sampled_from(['a"b\\c', "undefined", " ", "a\nb", "é😀", "{1,2}", "x" * 257]),
)
_headers = st.fixed_dictionaries(
    {},
    optional={
        "Origin": st.sampled_from(["https://shop.com", "null", "no origin", ""]),
        "User-Agent": st.sampled_from([CHROME, "Googlebot/2.1"]),
        "Authorization": st.sampled_from(["Bearer a.b.c", "Basic x", ""]),
        "X-Forwarded-For": st.just("9.9.9.9"),
        "X-Request-Id": st.sampled_from(["trace-1", "not plain"]),
    },
)


@pytest.fixture
def front() -> Iterator[Front]:
    """Start polling, and return a front."""
    with serve_front.polling():
        yield Front()


def _forget_everybody() -> None:
    Assignment.objects.all().delete()
    Decision.objects.all().delete()
    known_users.reset()


def _list_rows() -> list[tuple[Any, ...]]:
    rows = Decision.objects.values_list(*ROW_FIELDS)
    assert Assignment.objects.count() == len(rows)
    return list(rows)


def _post_to_django(
    path: str, body: bytes, headers: Mapping[str, str]
) -> FrontResponse:
    response = Api().request("POST", path, body, headers)
    names = {name.lower(): value for name, value in response.headers.items()}
    return FrontResponse(response.status_code, names, response.content)


def _read_stable_parts(response: FrontResponse) -> tuple[Any, ...]:
    document = orjson.loads(response.content)
    if "timestamp" in document:
        document["timestamp"] = "some time"
    assert document["meta"].pop("request_id") == response.headers["x-request-id"]
    headers = {
        name: value
        for name, value in response.headers.items()
        if name not in CHANGING_HEADERS
    }
    return response.status, list(document.items()), headers


def _assert_same(
    front: Front, path: str, body: bytes, headers: Mapping[str, str]
) -> FrontResponse | None:
    """Ask front and Django from the same state; return the front's answer."""
    _forget_everybody()
    passed = len(front.passed_bodies)
    by_front = front.post(f"{BASE}{path}", body, headers)
    if by_front is None:
        assert front.post_directly(f"{BASE}{path}", body, headers) is None
        assert front.passed_bodies[passed:] == [body]
        assert _list_rows() == []
        return None
    rows = _list_rows()
    _forget_everybody()
    by_django = _post_to_django(path, body, headers)
    assert _read_stable_parts(by_front) == _read_stable_parts(by_django)
    assert rows == _list_rows()
    _forget_everybody()
    direct = front.post_directly(f"{BASE}{path}", body, headers)
    assert direct is not None
    assert _read_stable_parts(direct) == _read_stable_parts(by_django)
    assert rows == _list_rows()
    repeated = front.post_directly(f"{BASE}{path}", body, headers)
    assert repeated is not None
    repeated_by_django = _post_to_django(path, body, headers)
    assert _read_stable_parts(repeated) == _read_stable_parts(repeated_by_django)
    assert rows == _list_rows()
    for response in (by_front, by_django, direct, repeated, repeated_by_django):
        request_id = response.headers["x-request-id"]
        is_kept = headers.get("X-Request-Id") == "trace-1"
        assert request_id == "trace-1" if is_kept else request_id.startswith("req_")
    return by_front


def test_front_and_django_agree_on_any_request(
    front: Front, settings: Settings
) -> None:
    settings.RATELIMIT_SERVE = "100000/m"
    optimization = make.make_live_optimization()
    secrets = [
        make_api_key(optimization.organization, scopes=["serve"]),
        make_api_key(make.make_organization(), scopes=["serve"]),
        "lev_unknown",
    ]
    serve_front.warm_up(front, optimization)
    answered = []

    @given(
        body=_bodies,
        user=_ids,
        headers=_headers,
        key=st.sampled_from([None, None, *secrets]),
        style=st.sampled_from(["lower", "upper", "body"]),
    )
    @hypothesis_settings(max_examples=150)
    def check(
        body: dict[str, Any],
        user: str,
        headers: dict[str, str],
        key: str | None,
        style: str,
    ) -> None:
        pk = str(optimization.pk)
        path = BEST_VARIANT if style == "body" else f"/optimizations/{pk}/serve"
        if style == "upper":
            path = f"/optimizations/{pk.upper()}/serve"
        document = {"anonymous_id": user, "optimization_id": pk, **body}
        all_headers = headers | ({"X-API-Key": key} if key else {})
        if key:  # the view loads a key, the front only knows it from memory
            _post_to_django(path, b"{}", all_headers)
        response = _assert_same(front, path, orjson.dumps(document), all_headers)
        answered.append(response is not None)
        leaves_trace = not (body.get("dry_run") or body.get("record") is False)
        if response is not None and response.status == 200 and not leaves_trace:
            told = {"sticky", "timestamp"} & set(orjson.loads(response.content))
            assert bool(told) == (key == secrets[0])

    check()

    assert answered.count(True) > len(answered) / 4
    routes = {route for _, route, _ in front.observed}
    assert routes == {
        "api/v2/optimizations/<id:pk>/serve",
        "api/v2/optimizations/best-variant",
    }


@given(raw=st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_rubbish_is_passed_on_as_it_came(raw: bytes) -> None:
    front = Front()
    path = f"{BASE}/optimizations/3f0c6a4e-8d5b-4a51-9a3e-2a6d1f7c9b10/serve"

    assert front.post(path, raw, chunks=3) is None

    assert front.passed_bodies == [raw]


def test_a_shipped_optimization_is_answered_by_the_front(front: Front) -> None:
    optimization = make.make_live_optimization()
    lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)
    serve_front.warm_up(front, optimization)

    body = orjson.dumps({"anonymous_id": "u1"})
    response = _assert_same(front, f"/optimizations/{optimization.pk}/serve", body, {})

    assert response is not None


@pytest.mark.parametrize("rate", ["100/m", "0"])
def test_a_public_dry_run_of_a_known_user_is_a_new_users_at_both(
    front: Front, settings: Settings, rate: str
) -> None:
    settings.RATELIMIT_SERVE = rate
    optimization = make.make_live_optimization(holdout_percentage=0)
    path = f"/optimizations/{optimization.pk}/serve"
    body = orjson.dumps({"anonymous_id": "u1"})
    served = orjson.loads(_post_to_django(path, body, {}).content)["variant_number"]
    other = 3 if served != 3 else 2  # a barred user is drawn again, by the new version
    create_update.set_variant_enabled(optimization, other, SYSTEM_ACTOR, enabled=False)
    serve_front.warm_up(front, optimization)

    dry_run = orjson.dumps({"anonymous_id": "u1", "dry_run": True})
    until(lambda: _read_version(front.post(BASE + path, dry_run)) == 1, 5)
    by_front = front.post_directly(BASE + path, dry_run)
    by_django = _post_to_django(path, dry_run, {})

    assert by_front is not None
    assert _read_stable_parts(by_front) == _read_stable_parts(by_django)
    assert _read_version(_post_to_django(path, body, {})) == 0


def _read_version(response: FrontResponse | None) -> int | None:
    if response is None:
        return None
    return int(orjson.loads(response.content)["policy_version"])


def test_what_does_not_serve_is_djangos(front: Front) -> None:
    paused = make.make_live_optimization()
    serve_front.warm_up(front, paused)
    lifecycle.pause_optimization(paused, SYSTEM_ACTOR)
    path = f"{BASE}/optimizations/{paused.pk}/serve"

    assert front.post(path, b'{"anonymous_id":"u1"}') is None


def test_over_the_limit_front_and_django_answer_the_same(
    front: Front, settings: Settings
) -> None:
    optimization = make.make_live_optimization()
    serve_front.warm_up(front, optimization)
    settings.RATELIMIT_SERVE = "2/d"
    path = f"/optimizations/{optimization.pk}/serve"
    body = b'{"anonymous_id":"u1"}'

    answers = [front.post(BASE + path, body) for _ in range(3)]
    by_django = _post_to_django(path, body, {})

    assert [answer.status for answer in answers if answer] == [200, 200, 429]
    assert answers[2] is not None
    assert by_django.status == 429
    assert answers[2].headers.keys() == by_django.headers.keys()
    assert orjson.loads(answers[2].content)["error"]["code"] == "rate_limited"


def test_a_barred_variant_is_redrawn_once_by_both(front: Front) -> None:
    optimization = make.make_live_optimization(holdout_percentage=0)
    serve_front.warm_up(front, optimization)
    path = f"/optimizations/{optimization.pk}/serve"
    users = [orjson.dumps({"anonymous_id": f"u{number}"}) for number in range(30)]
    first = [front.post(BASE + path, user) for user in users]
    before = [orjson.loads(answer.content) for answer in first if answer]

    create_update.set_variant_enabled(optimization, 2, SYSTEM_ACTOR, enabled=False)
    by_django = [orjson.loads(_post_to_django(path, u, {}).content) for u in users[:15]]
    after = [front.post(BASE + path, user) for user in users]
    numbers = [orjson.loads(a.content)["variant_number"] for a in after if a]

    assert 2 in {answer["variant_number"] for answer in before}
    assert [answer["variant_number"] for answer in by_django] == numbers[:15]
    assert 2 not in numbers
    for old, new in zip(before, numbers, strict=True):
        assert old["variant_number"] in {2, new}
    redrawn = sum(answer["variant_number"] == 2 for answer in before)
    assert Decision.objects.count() == len(users) + redrawn


def test_a_snapshot_that_was_not_polled_lately_is_not_served(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_poller, "IDLE_SECONDS", 0.1)
    optimization = make.make_live_optimization()
    serve_front.warm_up(front, optimization)
    path = f"{BASE}/optimizations/{optimization.pk}/serve"

    time.sleep(1)

    assert front.post(path, b'{"anonymous_id":"u1"}') is None
    until(lambda: front.post(path, b'{"anonymous_id":"u1"}') is not None, 5)


@pytest.mark.parametrize(
    "headers",
    [
        [("Origin", "https://evil.com"), ("Origin", "https://shop.com")],
        [("User-Agent", "Googlebot/2.1"), ("User-Agent", CHROME)],
        [("Authorization", "Basic x"), ("Authorization", "Bearer lev_x")],
        [("Host", "evil.com")],
        [("Host", "a b")],
        [("Host", "")],
    ],
)
def test_headers_that_django_judges_are_djangos(
    front: Front, settings: Settings, headers: list[tuple[str, str]]
) -> None:
    settings.ALLOWED_HOSTS = ["shop.com", "testserver"]
    optimization = make.make_live_optimization()
    serve_front.warm_up(front, optimization)
    path = f"{BASE}/optimizations/{optimization.pk}/serve"

    assert front.post(path, b'{"anonymous_id":"u1"}', headers) is None


def test_a_body_that_ends_early_is_not_recorded(front: Front) -> None:
    optimization = make.make_live_optimization()
    serve_front.warm_up(front, optimization)
    path = f"{BASE}/optimizations/{optimization.pk}/serve"

    assert front.post(path, b'{"anonymous_id":"u1"}', is_cut_off=True) is None

    assert not Decision.objects.exists()


def test_a_revoked_key_takes_effect_on_a_head_that_was_read_before(
    front: Front,
) -> None:
    optimization = make.make_live_optimization()
    secret = make_api_key(optimization.organization, scopes=["serve"])
    serve_front.warm_up(front, optimization)
    path = f"/optimizations/{optimization.pk}/serve"
    body, headers = b'{"anonymous_id":"u1"}', {"X-API-Key": secret}
    assert _post_to_django(path, body, headers).status == 200
    assert front.post_directly(BASE + path, body, headers) is not None

    api_keys.revoke_key(ApiKey.objects.get(), SYSTEM_ACTOR)

    assert front.post_directly(BASE + path, body, headers) is None
    assert _post_to_django(path, body, headers).status == 401
