"""What leaves no trace at serve, and who is counted by a key."""

from typing import Any

import pytest
from django.http import HttpResponse
from pytest_django import Settings

from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import create_update
from optimizations.models import Assignment, Decision, Optimization
from optimizations.serving.known_users import known_users
from tests.support import optimization_factories
from tests.support.factories import make_api_key, read_body
from tests.support.optimization_factories import make_live_optimization
from tests.support.serve_requests import PUBLIC, serve_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("flag", [{"dry_run": True}, {"record": False}])
def test_only_a_key_learns_whether_a_user_was_served_before(
    flag: dict[str, Any],
) -> None:
    optimization = make_live_optimization()
    key = make_api_key(optimization.organization, scopes=["serve"])
    headers = {"X-API-Key": key}

    new = read_body(serve_user(optimization, **flag, headers=headers))
    serve_user(optimization)
    known = read_body(serve_user(optimization, **flag, headers=headers))
    without_key = read_body(serve_user(optimization, **flag))

    assert (new["sticky"], known["sticky"]) == (False, True)
    assert {"timestamp"} <= known.keys()
    assert without_key.keys().isdisjoint({"sticky", "timestamp"})
    assert Decision.objects.count() == 1


def test_a_dry_run_without_a_key_does_not_tell_who_was_served() -> None:
    optimization = make_live_optimization(holdout_percentage=0)
    users = [f"u{number}" for number in range(12)]
    key = make_api_key(optimization.organization, scopes=["serve"])
    served = [_ask(optimization, user) for user in users]
    create_update.set_variant_enabled(optimization, 3, SYSTEM_ACTOR, enabled=False)
    create_update.update_configuration(
        optimization, {"holdout_percentage": 95.0}, SYSTEM_ACTOR
    )

    known = [_ask(optimization, user, dry_run=True) for user in users]
    with_key = _ask(optimization, users[0], dry_run=True, headers={"X-API-Key": key})
    Assignment.objects.all().delete()
    known_users.reset()
    unknown = [_ask(optimization, user, dry_run=True) for user in users]

    assert known == unknown
    assert {each["policy_version"] for each in known} == {1}
    assert known != served
    assert with_key["in_holdout"] is False


def _ask(optimization: Optimization, user: str, **body: Any) -> dict[str, Any]:
    answer = read_body(serve_user(optimization, user, **body))
    return {name: answer[name] for name in answer if name != "meta"}


def test_a_crawler_gets_a_decision_that_is_not_recorded() -> None:
    optimization = make_live_optimization()
    headers = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}

    response = serve_user(optimization, headers=headers)

    assert response.status_code == 200
    assert not Assignment.objects.exists()
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("path", "name"), [("best-variant", "optimization_id"), ("best-variants", "")]
)
def test_a_crawler_leaves_no_trace_at_the_other_doors(path: str, name: str) -> None:
    optimization = make_live_optimization()
    pk = str(optimization.pk)
    named = {name: pk} if name else {"optimization_ids": [pk]}
    headers = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}

    response = PUBLIC.post(
        f"/optimizations/{path}", {"anonymous_id": "u1", **named}, **headers
    )

    assert response.status_code == 200
    assert not Assignment.objects.exists()
    assert not Decision.objects.exists()


def test_a_serve_with_a_key_is_counted_by_the_key(settings: Settings) -> None:
    settings.RATELIMIT_SERVE, settings.RATELIMIT_SERVE_KEY = "1/d", "3/d"
    optimization = make_live_optimization()
    headers = {
        "X-API-Key": make_api_key(optimization.organization, scopes=["serve"]),
    }

    with_key = [
        serve_user(optimization, f"u{number}", headers=headers) for number in range(4)
    ]
    without = [serve_user(optimization, f"v{number}") for number in range(2)]

    assert [response.status_code for response in with_key] == [200, 200, 200, 429]
    assert [response.status_code for response in without] == [200, 429]
    assert with_key[0]["RateLimit-Limit"] == "3"


def test_a_key_that_may_not_serve_is_refused() -> None:
    optimization = make_live_optimization()
    foreign = make_api_key(optimization_factories.make_organization(), scopes=["serve"])
    ingesting = make_api_key(optimization.organization)

    statuses = [
        serve_user(optimization, headers={"X-API-Key": key}).status_code
        for key in (foreign, ingesting, "lev_unknown")
    ]

    assert statuses == [403, 403, 401]
    assert not Assignment.objects.exists()


@pytest.mark.parametrize("path", ["serve", "best-variant", "best-variants"])
def test_wrong_keys_use_up_nothing_of_the_visitors_behind_their_address(
    settings: Settings, path: str
) -> None:
    settings.RATELIMIT_SERVE = "2/d"
    optimization = make_live_optimization()

    def post(secret: str | None = None) -> tuple[int, str]:
        headers = {"X-API-Key": secret} if secret else {}
        answer = _post_to(path, optimization, headers)
        return answer.status_code, answer["RateLimit-Remaining"]

    guesses = [post(f"lev_x{number}")[0] for number in range(4)]
    visits = [post() for _ in range(3)]

    assert guesses == [401] * 4
    assert visits == [(200, "1"), (200, "0"), (429, "0")]
    assert post("lev_x5")[0] == 401


def test_guessed_keys_are_limited_and_keys_that_work_are_not_held_back(
    settings: Settings,
) -> None:
    settings.RATELIMIT_GLOBAL = "2/d"
    optimization = make_live_optimization()

    def serve_with(secret: str) -> int:
        headers = {"X-API-Key": secret}
        return serve_user(optimization, headers=headers).status_code

    assert [serve_with(f"lev_x{n}") for n in range(3)] == [401, 401, 429]
    # No process has seen this key before.
    key = make_api_key(optimization.organization, scopes=["serve"])
    assert serve_with(key) == 200


def test_a_key_that_may_not_serve_uses_up_its_own_limit(settings: Settings) -> None:
    settings.RATELIMIT_SERVE, settings.RATELIMIT_SERVE_KEY = "1/d", "2/d"
    optimization = make_live_optimization()
    headers = {"X-API-Key": make_api_key(optimization.organization)}

    refused = [serve_user(optimization, headers=headers) for _ in range(3)]

    assert [each.status_code for each in refused] == [403, 403, 429]
    assert serve_user(optimization).status_code == 200


def _post_to(
    path: str, optimization: Optimization, headers: dict[str, str]
) -> HttpResponse:
    body: dict[str, Any] = {"anonymous_id": "u1"}
    if path == "serve":
        return PUBLIC.post(f"/optimizations/{optimization.pk}/serve", body, **headers)
    if path == "best-variant":
        body |= {"optimization_id": str(optimization.pk)}
    else:
        body |= {"optimization_ids": [str(optimization.pk)]}
    return PUBLIC.post(f"/optimizations/{path}", body, **headers)
