"""Rate limits: counting, client addresses behind proxies, a missing cache."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from levered_site.api import rate_limits, requests
from levered_site.errors import RateLimitedError
from tests.support import factories


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    rate_limits.get_redis_client.cache_clear()
    rate_limits._breaker.paused_until = 0.0
    yield
    rate_limits.get_redis_client.cache_clear()
    rate_limits._breaker.paused_until = 0.0


@pytest.mark.django_db
def test_a_request_over_the_limit_gets_retry_after(settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = "3/d"
    alice = factories.make_admin_api(factories.make_organization())

    answers = [alice.get("/me") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer["RateLimit-Limit"] for answer in answers} == {"3"}
    assert factories.read_error(answers[3])["code"] == "rate_limited"
    assert 1 <= int(answers[3]["Retry-After"]) <= 86_400


@pytest.mark.django_db
def test_requests_with_invalid_tokens_are_counted(settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = "2/d"

    answers = [factories.Api("a.b.c").get("/me") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]


@pytest.mark.django_db
def test_requests_with_invalid_keys_are_counted(settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = "2/d"
    stranger = factories.Api("lev_no_such_key")

    answers = [stranger.post("/ingest/rewards", {"events": []}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]


@pytest.mark.django_db
def test_requests_with_a_key_are_counted_per_key(settings: Settings) -> None:
    """Two programs and a person behind one address do not use up each other's share."""
    settings.RATELIMIT_GLOBAL = "2/d"
    acme = factories.make_organization()
    first, second = (
        factories.Api(factories.make_api_key(acme, scopes=("read",))) for _ in range(2)
    )
    person = factories.make_member_api(acme)

    answers = [
        [api.get("/me").status_code for _ in range(3)]
        for api in (person, first, second)
    ]

    assert answers == [[200, 200, 429]] * 3
    assert first.get("/me")["RateLimit-Limit"] == "2"


@pytest.mark.django_db
def test_a_key_is_counted_per_key_also_where_its_scope_does_not_do(
    settings: Settings,
) -> None:
    settings.RATELIMIT_GLOBAL = "2/d"
    key = factories.Api(factories.make_api_key(factories.make_organization()))

    statuses = [key.get("/models").status_code for _ in range(3)]

    assert statuses == [403, 403, 429]


@pytest.mark.django_db
def test_guessing_keys_is_limited_and_holds_back_no_key_that_works(
    settings: Settings,
) -> None:
    settings.RATELIMIT_GLOBAL = "2/d"
    acme = factories.make_organization()

    guesses = [factories.Api(f"lev_{number}").get("/me") for number in range(4)]
    # No process has seen this key before.
    key = factories.Api(factories.make_api_key(acme, scopes=("read",)))

    assert [guess.status_code for guess in guesses] == [401, 401, 429, 429]
    assert key.get("/me").status_code == 200


@pytest.mark.django_db
def test_a_token_beside_a_key_is_counted_by_address(settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = "2/d"

    answers = [
        factories.Api("a.b.c").get("/me", X_API_Key=f"lev_{number}")
        for number in range(3)
    ]

    assert [answer.status_code for answer in answers] == [401, 401, 429]


@pytest.mark.django_db
def test_requests_that_reach_no_endpoint_are_counted(settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = "3/d"
    alice = factories.make_admin_api(factories.make_organization())

    answers = [
        alice.get("/nothing-is-here"),
        alice.request("PATCH", "/me", {}),
        alice.get("/nothing-is-here"),
        alice.get("/nothing-is-here"),
    ]

    assert [answer.status_code for answer in answers] == [404, 405, 404, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]


@pytest.mark.django_db
def test_a_limit_of_0_limits_nothing(settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = "0"
    alice = factories.make_admin_api(factories.make_organization())

    answers = [alice.get(path) for path in ("/me", "/me", "/nothing-is-here")]

    assert all("RateLimit-Limit" not in answer for answer in answers)


@pytest.mark.django_db
def test_without_a_cache_nothing_is_limited(settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = "1/d"
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:9/0",
        }
    }
    alice = factories.make_admin_api(factories.make_organization())

    answers = [alice.get("/me") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3


def test_the_pipeline_counts_and_reads_in_one_round_trip() -> None:
    rate_limits.get_redis_client().set("policy", b"7")
    keys = ("policy", "nothing")

    first, values = rate_limits.count_in_pipeline("serve", "2/m", "1.2.3.4", keys)
    second, _ = rate_limits.count_in_pipeline("serve", "2/m", "1.2.3.4")
    third, _ = rate_limits.count_in_pipeline("serve", "2/m", "1.2.3.4")
    other, _ = rate_limits.count_in_pipeline("serve", "2/m", "5.6.7.8")

    assert values == [b"7", None]
    usages = [first, second, third, other]
    assert [usage and (usage.count, usage.is_exceeded) for usage in usages] == [
        (1, False),
        (2, False),
        (3, True),
        (1, False),
    ]
    counters = rate_limits.get_redis_client().keys("rl:serve:*")
    assert all(0 < rate_limits.get_redis_client().ttl(key) <= 65 for key in counters)


def test_the_pipeline_without_a_limit_and_without_a_cache(
    settings: Settings,
) -> None:
    rate_limits.get_redis_client().set("policy", b"7")

    unlimited = rate_limits.count_in_pipeline("serve", "0", "1.2.3.4", ("policy",))
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    rate_limits.get_redis_client.cache_clear()
    away = rate_limits.count_in_pipeline("serve", "5/m", "1.2.3.4", ("policy",))

    assert unlimited == (None, [b"7"])
    assert away == (None, [None])
    assert rate_limits._breaker.is_paused()


def test_an_exceeded_usage_is_refused_with_its_headers() -> None:
    request = HttpRequest()
    exceeded = rate_limits.Usage(rate_limits.Rate(2, 60), count=3, seconds_left=9)

    message = "the limit is 2 requests in 60 s. Retry in 9 s."
    with pytest.raises(RateLimitedError, match=message):
        rate_limits.enforce_limit(request, exceeded)

    usage = rate_limits.read_usage(request)
    assert usage is not None
    assert usage.build_headers()["RateLimit-Remaining"] == "0"


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("0", None),
        ("0/m", None),
        ("100/m", rate_limits.Rate(100, 60)),
        ("5/10s", rate_limits.Rate(5, 10)),
        ("1/h", rate_limits.Rate(1, 3600)),
    ],
)
def test_a_rate_is_parsed(text: str, rate: rate_limits.Rate | None) -> None:
    assert rate_limits.parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "100", "x/m", "5/y", "-1/m"])
def test_an_invalid_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a rate"):
        rate_limits.parse_rate(text)


@pytest.mark.parametrize("now", [0, 1_700_000_000, 1_700_000_059])
def test_a_window_ends_within_its_length(now: int) -> None:
    ends = [rate_limits.compute_window_end(f"ip{n}", 60, now) for n in range(50)]

    assert all(now < end <= now + 60 for end in ends)
    assert len(set(ends)) > 10


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer", "ip"),
    [
        (0, "9.9.9.9", "1.1.1.1", "1.1.1.1"),
        (1, "9.9.9.9", "10.0.0.1", "9.9.9.9"),
        (1, "6.6.6.6, 9.9.9.9", "10.0.0.1", "9.9.9.9"),
        (2, "6.6.6.6, 9.9.9.9, 10.0.0.2", "10.0.0.1", "9.9.9.9"),
        (2, "9.9.9.9", "10.0.0.1", "9.9.9.9"),
        (1, "", "10.0.0.1", "10.0.0.1"),
        (1, "rubbish", "10.0.0.1", "10.0.0.1"),
        (1, "6.6.6.6,", "10.0.0.1", "6.6.6.6"),
        (1, "9.9.9.9:4711", "10.0.0.1", "9.9.9.9"),
        (1, "[2001:db8::1]:4711", "10.0.0.1", "2001:db8::1"),
        (0, "", "::ffff:1.2.3.4", "1.2.3.4"),
        (0, "", "", ""),
    ],
)
def test_the_client_ip_is_found_behind_proxies(
    settings: Settings, proxies: int, forwarded: str, peer: str, ip: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get(
        "/", headers={"X-Forwarded-For": forwarded}, REMOTE_ADDR=peer
    )

    assert requests.get_client_ip(request) == ip


def test_ipv6_addresses_count_by_their_network() -> None:
    networks = [
        requests.get_client_network(RequestFactory().get("/", REMOTE_ADDR=address))
        for address in ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1")
    ]

    assert networks == ["2001:db8::", "2001:db8::", "2001:db8:0:1::"]


@pytest.mark.django_db
def test_a_spoofed_header_does_not_evade_the_limit(settings: Settings) -> None:
    settings.RATELIMIT_GLOBAL = "2/d"
    alice = factories.make_admin_api(factories.make_organization())

    answers: list[HttpResponse] = [
        alice.get("/me", X_Forwarded_For=f"9.9.9.{n}") for n in range(3)
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    cache.clear()


def test_the_page_of_the_documentation_takes_nothing_from_the_limit(
    settings: Settings,
) -> None:
    settings.RATELIMIT_GLOBAL = "2/d"

    pages = [Client().get(f"/api/v2/docs{end}") for end in ("", "/start.js") * 3]
    unknown = Client().get("/api/v2/no-such-path")

    assert {page.status_code for page in pages} == {200}
    assert unknown["RateLimit-Remaining"] == "1"


@pytest.mark.django_db
def test_the_document_is_read_also_by_who_has_used_up_the_limit(
    settings: Settings,
) -> None:
    settings.RATELIMIT_GLOBAL, settings.RATELIMIT_SERVE = "2/d", "3/d"
    person = factories.make_member_api(factories.make_organization())

    documents = [Client().get("/api/v2/schema?format=json") for _ in range(2)]
    calls = [person.get("/me").status_code for _ in range(3)]
    documents += [Client().get("/api/v2/schema?format=json") for _ in range(2)]

    assert calls == [200, 200, 429]
    assert [document.status_code for document in documents] == [200, 200, 200, 429]
    assert documents[0]["RateLimit-Limit"] == "3"
