"""Remote decisions: those that the service records, in as few requests as possible."""

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from levered import ApiError, RefusedError
from optimizations.models import Assignment
from tests.support import factories
from tests.support.chaos_proxy import ChaosProxy, Fault
from tests.support.optimization_factories import (
    make_live_optimization,
    make_optimization,
    make_organization,
)
from tests.support.python_client import FALLBACK, PATIENT, Opener

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_remote_decision_is_the_one_that_the_service_records(
    live_server: LiveServer, open_client: Opener
) -> None:
    optimization = make_live_optimization(holdout_percentage=30)
    client = open_client(live_server.url, timeout=PATIENT, raise_errors=True)

    made = [
        client.get_decision(optimization.pk, f"visitor-{n} é", {"device": "mobile"})
        for n in range(30)
    ]

    recorded = {row.anonymous_id: row for row in Assignment.objects.all()}
    variants = {row.number: row.levels for row in optimization.variants.all()}
    assert len(recorded) == 30
    assert {each.in_holdout for each in made} == {True, False}
    for each in made:
        row = recorded[each.anonymous_id]
        assert each.variant_number == row.variant_number
        assert each.variant == variants[row.variant_number]
        assert each.source == "remote"


def test_several_decisions_of_a_user_come_in_one_request(
    proxy: ChaosProxy, open_client: Opener
) -> None:
    organization = make_organization()
    live = [make_optimization(organization) for _ in range(3)]
    draft = make_optimization(organization, status="draft")
    client = open_client(proxy.url, timeout=PATIENT)
    asked = {str(each.pk): FALLBACK for each in (*live, draft)}

    variants = client.get_variants(asked, "ann", {"device": "mobile"})

    assert [path for _, path in proxy.requests] == [
        "/api/v2/optimizations/best-variants"
    ]
    assert list(variants) == list(asked)
    assert variants[str(draft.pk)] == FALLBACK
    assert all(variants[str(each.pk)] != FALLBACK for each in live)
    assert Assignment.objects.count() == 3


def test_each_decision_of_a_request_has_the_code_of_its_own_error(
    live_server: LiveServer, open_client: Opener, settings: Settings
) -> None:
    organization = make_organization()
    live, full, draft = (
        make_optimization(organization, **fields)
        for fields in ({}, {}, {"status": "draft"})
    )
    nobody = "00000000-0000-4000-8000-000000000000"
    told: list[Exception] = []
    client = open_client(live_server.url, timeout=PATIENT, on_error=told.append)
    client.get_variant(full.pk, "bob")
    settings.NEW_USERS_PER_MINUTE = 1

    asked = {str(each.pk): FALLBACK for each in (live, full, draft)}
    variants = client.get_variants({**asked, nobody: FALLBACK}, "ann")
    alone = client.get_decision(draft.pk, "ann", fallback=FALLBACK)

    assert [each == FALLBACK for each in variants.values()] == [False, True, True, True]
    codes = [getattr(each, "code", None) for each in told]
    assert codes == ["rate_limited", "conflict", "not_found", "conflict"]
    assert all(isinstance(each, RefusedError) for each in told[:3])
    assert str(told[1]).startswith(
        f"{draft.pk}: conflict: This optimization is a draft"
    )
    assert alone.error is told[3]


def test_a_decision_without_recording_and_of_a_crawler_counts_for_nothing(
    live_server: LiveServer, open_client: Opener
) -> None:
    optimization = make_live_optimization()
    client = open_client(live_server.url, timeout=PATIENT)

    silent = client.get_variant(optimization.pk, "ann", record=False)
    crawler = client.get_variant(
        optimization.pk, "bob", user_agent="Mozilla/5.0 (compatible; Googlebot/2.1)"
    )

    assert {} not in (silent, crawler)
    assert not Assignment.objects.exists()


@pytest.mark.parametrize(
    "user_agent",
    ["Zoë's browser \r\nX-API-Key: lev_x", "\ud800", "\0", "x" * 100_000],
    ids=["a line", "a surrogate", "NUL", "a long one"],
)
def test_whatever_a_visitor_calls_their_browser_they_get_a_variant(
    live_server: LiveServer, open_client: Opener, user_agent: str
) -> None:
    optimization = make_live_optimization()
    client = open_client(live_server.url, timeout=PATIENT, raise_errors=True)

    assert client.get_variant(optimization.pk, "ann", user_agent=user_agent)


def test_a_server_is_counted_by_its_key(
    live_server: LiveServer, open_client: Opener, settings: Settings
) -> None:
    optimization = make_live_optimization()
    key = factories.make_api_key(optimization.organization, "server", ("serve",))
    settings.RATELIMIT_SERVE = "1/m"
    client = open_client(live_server.url, key, timeout=PATIENT)

    made = [client.get_decision(optimization.pk, f"user-{n}") for n in range(3)]

    assert [each.error for each in made] == [None] * 3


def test_a_token_is_not_sent_where_anybody_may_ask(
    live_server: LiveServer, open_client: Opener
) -> None:
    optimization = make_live_optimization()
    token = factories.admin_token(optimization.organization)
    client = open_client(live_server.url, token, timeout=PATIENT, raise_errors=True)

    assert client.get_variant(optimization.pk, "ann")


def test_errors_are_raised_where_that_was_asked_for(
    live_server: LiveServer, open_client: Opener
) -> None:
    draft = make_live_optimization(status="draft")
    client = open_client(live_server.url, raise_errors=True, timeout=PATIENT)

    with pytest.raises(ApiError, match="This optimization is a draft") as caught:
        client.get_variant(draft.pk, "ann", fallback=FALLBACK)

    assert caught.value.status == 409
    assert caught.value.code == "conflict"
    assert caught.value.request_id.startswith("req_")


def test_an_overloaded_service_is_asked_once_more(
    proxy: ChaosProxy, open_client: Opener
) -> None:
    optimization = make_live_optimization()
    client = open_client(proxy.url, timeout=PATIENT)

    for fault in (Fault(status=503), Fault()):
        proxy.faults = [fault, None]
        made = client.get_decision(optimization.pk, "ann", fallback=FALLBACK)
        assert made.source == "remote"

    assert len(proxy.requests) == 4
