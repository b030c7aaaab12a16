"""Idempotency-Key: replayed, refused and expired responses."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from levered_site.organizations import idempotency
from levered_site.organizations.models import ApiKey, IdempotentAnswer, Organization
from tests.support import factories, labels

pytestmark = [pytest.mark.django_db, pytest.mark.urls(labels.__name__)]


@pytest.fixture
def alice() -> factories.Api:
    """Return an admin's API client."""
    return factories.make_admin_api(factories.make_organization())


def test_a_repeat_gets_the_first_response(alice: factories.Api) -> None:
    first = alice.post("/labels", {"label": "a"}, Idempotency_Key="k")

    again = alice.post("/labels", {"label": "a"}, Idempotency_Key="k")

    assert again.status_code == 201
    assert ApiKey.objects.count() == 1
    assert again["Location"] == first["Location"]
    assert again["ETag"] == first["ETag"]
    assert again["Idempotent-Replayed"] == "true"
    assert again["X-Request-Id"] != first["X-Request-Id"]
    bodies = [factories.read_body(answer) for answer in (first, again)]
    assert bodies[1].pop("meta")["request_id"] == again["X-Request-Id"]
    bodies[0].pop("meta")
    assert bodies[0] == bodies[1]


def test_another_body_under_the_same_key_is_a_conflict(alice: factories.Api) -> None:
    alice.post("/labels", {"label": "a"}, Idempotency_Key="k")

    refused = alice.post("/labels", {"label": "b"}, Idempotency_Key="k")

    assert factories.read_error(refused)["code"] == "conflict"
    assert ApiKey.objects.count() == 1


def test_keys_of_two_organizations_are_separate(alice: factories.Api) -> None:
    carol = factories.make_admin_api(factories.make_organization())

    statuses = [
        api.post("/labels", {"label": "a"}, Idempotency_Key="k").status_code
        for api in (alice, carol)
    ]

    assert statuses == [201, 201]
    assert ApiKey.objects.count() == 2


def test_a_refusal_that_follows_from_the_request_is_replayed(
    alice: factories.Api,
) -> None:
    answers = [
        alice.post("/labels", {"label": "a", "failure": 400}, Idempotency_Key="k")
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[1]["Idempotent-Replayed"] == "true"
    assert factories.read_error(answers[1])["message"] == "no"


@pytest.mark.parametrize("failure", sorted(set(labels.FAILURES) - {400}))
def test_an_answer_that_depends_on_the_moment_is_not_stored(
    alice: factories.Api, monkeypatch: pytest.MonkeyPatch, failure: int
) -> None:
    body = {"label": "a", "failure": failure}

    answers = [alice.post("/labels", body, Idempotency_Key="k") for _ in range(2)]
    stored = IdempotentAnswer.objects.count()
    monkeypatch.delitem(labels.FAILURES, failure)  # the moment has passed
    after = alice.post("/labels", body, Idempotency_Key="k")
    again = alice.post("/labels", body, Idempotency_Key="k")

    status = 400 if failure == 4001 else failure
    assert [answer.status_code for answer in answers] == [status, status]
    assert not any("Idempotent-Replayed" in answer for answer in (*answers, after))
    assert stored == 0
    assert (after.status_code, again.status_code) == (201, 201)
    assert again["Idempotent-Replayed"] == "true"
    assert ApiKey.objects.count() == 1


def test_a_response_that_is_too_large_is_not_stored(
    alice: factories.Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "MAX_STORED_BYTES", 50)
    first = alice.post("/labels", {"label": "a"}, Idempotency_Key="k")

    again = alice.post("/labels", {"label": "a"}, Idempotency_Key="k")

    assert (first.status_code, again.status_code) == (201, 409)
    assert "too large" in factories.read_error(again)["message"]
    assert ApiKey.objects.count() == 1
    assert not IdempotentAnswer.objects.get().body


@pytest.mark.urls("levered_site.urls")
def test_a_query_takes_no_key_and_nothing_of_it_is_stored(alice: factories.Api) -> None:
    sql = "SELECT anonymous_id FROM managed_dw.rewards"
    bodies = [{"sql": sql}, {"sql": sql, "limit": 1}]

    answers = [
        alice.post("/warehouse/query", body, Idempotency_Key="k") for body in bodies
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert not any("Idempotent-Replayed" in answer for answer in answers)
    assert not IdempotentAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_concurrent_repeats_one_runs(alice: factories.Api) -> None:
    statuses = []

    def post(_: str) -> None:
        body = {"label": "a", "failure": 1}
        answer = alice.post("/labels", body, Idempotency_Key="k")
        statuses.append(answer.status_code)
        connection.close()

    labels.run_concurrently(post, *"abcde")

    assert sorted(statuses) == [201, 409, 409, 409, 409]
    assert ApiKey.objects.count() == 1


@contextmanager
def another_process(organization: Organization) -> Iterator[psycopg.Connection[Any]]:
    """Hold the lock of the key `k`, as a process does whose request is running."""
    number = idempotency.compute_lock_number(
        organization.pk, "POST", "/api/v2/labels", "k"
    )
    database = str(connection.settings_dict["NAME"])
    other = psycopg.connect(settings.DATABASE_URL, dbname=database, autocommit=True)
    with closing(other):
        other.execute("SELECT pg_advisory_lock(%s)", [number])
        yield other


@pytest.mark.django_db(transaction=True)
def test_a_claim_of_a_killed_process_is_taken_over_at_once() -> None:
    organization = factories.make_organization()
    alice = factories.make_admin_api(organization)
    alice.post("/labels", {"label": "a"}, Idempotency_Key="k")
    IdempotentAnswer.objects.update(status=None, body=None)

    with another_process(organization) as process:
        while_it_lives = alice.post("/labels", {"label": "a"}, Idempotency_Key="k")
        pid = process.info.backend_pid
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        after_its_end = alice.post("/labels", {"label": "a"}, Idempotency_Key="k")

    assert (while_it_lives.status_code, while_it_lives["Retry-After"]) == (409, "1")
    assert "in progress" in factories.read_error(while_it_lives)["message"]
    assert after_its_end.status_code == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("age", "status"), [(timedelta(seconds=30), 409), (timedelta(seconds=90), 201)]
)
def test_a_claim_whose_lock_was_never_released_is_taken_over_after_a_minute(
    age: timedelta, status: int
) -> None:
    organization = factories.make_organization()
    alice = factories.make_admin_api(organization)
    alice.post("/labels", {"label": "a"}, Idempotency_Key="k")
    then = timezone.now() - age
    IdempotentAnswer.objects.update(status=None, body=None, created_at=then)

    with another_process(organization):
        answer = alice.post("/labels", {"label": "a"}, Idempotency_Key="k")

    assert answer.status_code == status


@pytest.mark.django_db(transaction=True)
def test_a_key_is_free_again_after_its_request() -> None:
    alice = factories.make_admin_api(factories.make_organization())

    for _ in range(2):
        alice.post("/labels", {"label": "a"}, Idempotency_Key="k")

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchone() == (0,)


def test_responses_expire_after_a_day(alice: factories.Api) -> None:
    alice.post("/labels", {"label": "a"}, Idempotency_Key="k")
    IdempotentAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))

    again = alice.post("/labels", {"label": "a"}, Idempotency_Key="k")

    assert "Idempotent-Replayed" not in again
    assert ApiKey.objects.count() == 2
    assert idempotency.delete_expired(timezone.now()) == 0
    assert idempotency.delete_expired(timezone.now() + timedelta(hours=25)) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_an_invalid_key_is_named(alice: factories.Api, key: str) -> None:
    refused = alice.post("/labels", {"label": "a"}, Idempotency_Key=key)

    assert factories.read_error(refused)["details"][0]["field"] == "Idempotency-Key"
    assert not ApiKey.objects.exists()


# Refuses to store responses, as a database does that goes away between the change and
# its response.
REFUSE_RESPONSES = """
CREATE FUNCTION refuse_response() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION 'not stored'; END $$;
CREATE TRIGGER refuse_response BEFORE UPDATE ON organizations_idempotentanswer
EXECUTE FUNCTION refuse_response()"""
ACCEPT_RESPONSES = """
DROP TRIGGER refuse_response ON organizations_idempotentanswer;
DROP FUNCTION refuse_response"""


@pytest.mark.django_db(transaction=True)
def test_a_change_is_committed_only_with_its_response(alice: factories.Api) -> None:
    execute(REFUSE_RESPONSES)
    try:
        failed = alice.post("/labels", {"label": "a"}, Idempotency_Key="k")
    finally:
        execute(ACCEPT_RESPONSES)
    labels_of_the_failed = ApiKey.objects.count()
    IdempotentAnswer.objects.update(created_at=timezone.now() - timedelta(seconds=90))

    again = alice.post("/labels", {"label": "a"}, Idempotency_Key="k")

    assert failed.status_code == 500
    assert labels_of_the_failed == 0
    assert again.status_code == 201
    assert ApiKey.objects.count() == 1


def execute(statements: str) -> None:
    """Run statements in the service's database."""
    with connection.cursor() as cursor:
        cursor.execute(statements)


@pytest.mark.django_db(transaction=True)
def test_a_failure_after_a_change_leaves_nothing_of_it(alice: factories.Api) -> None:
    failed = alice.post("/labels", {"label": "a", "failure": 2}, Idempotency_Key="k")

    assert failed.status_code == 409
    assert not ApiKey.objects.exists()


def test_a_claim_of_a_clock_that_was_set_back_is_taken_over(
    alice: factories.Api,
) -> None:
    alice.post("/labels", {"label": "a"}, Idempotency_Key="k")
    ahead = timezone.now() + timedelta(days=1)
    IdempotentAnswer.objects.update(status=None, body=None, created_at=ahead)

    answer = alice.post("/labels", {"label": "a"}, Idempotency_Key="k")

    assert answer.status_code == 201
