"""ETag, If-None-Match and If-Match; resources of other organizations."""

import pytest
from django.db import connection

from levered_site.organizations.models import ApiKey
from tests.support import factories, labels

pytestmark = [pytest.mark.django_db, pytest.mark.urls(labels.__name__)]


@pytest.fixture
def alice() -> factories.Api:
    """Return an admin's API client."""
    return factories.make_admin_api(factories.make_organization())


def test_an_unchanged_resource_is_a_304(alice: factories.Api) -> None:
    (pk,) = labels.make_labels(alice, "a")
    tag = alice.get(f"/labels/{pk}")["ETag"]

    unchanged = alice.get(f"/labels/{pk}", If_None_Match=tag)
    alice.patch(f"/labels/{pk}", {"label": "b"})
    changed = alice.get(f"/labels/{pk}", If_None_Match=tag)

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged["ETag"] == tag
    assert changed.status_code == 200


def test_a_change_needs_the_present_etag(alice: factories.Api) -> None:
    (pk,) = labels.make_labels(alice, "a")
    tag = alice.get(f"/labels/{pk}")["ETag"]

    first = alice.patch(f"/labels/{pk}", {"label": "b"}, If_Match=tag)
    stale = alice.patch(f"/labels/{pk}", {"label": "c"}, If_Match=tag)
    deleted = alice.delete(f"/labels/{pk}", If_Match=tag)

    assert first.status_code == 200
    assert [answer.status_code for answer in (stale, deleted)] == [412, 412]
    assert factories.read_error(stale)["code"] == "precondition_failed"
    assert ApiKey.objects.get().label == "b"
    assert alice.delete(f"/labels/{pk}", If_Match=first["ETag"]).status_code == 204


@pytest.mark.django_db(transaction=True)
def test_of_concurrent_changes_to_one_etag_one_wins(alice: factories.Api) -> None:
    (pk,) = labels.make_labels(alice, "a")
    tag = alice.get(f"/labels/{pk}")["ETag"]
    statuses = {}

    def change(label: str) -> None:
        body = {"label": label, "failure": 1}
        answer = alice.patch(f"/labels/{pk}", body, If_Match=tag)
        statuses[label] = answer.status_code
        connection.close()

    labels.run_concurrently(change, "b", "c", "d")

    assert sorted(statuses.values()) == [200, 412, 412]
    assert statuses[ApiKey.objects.get().label] == 200


def test_a_resource_of_another_organization_is_not_found(alice: factories.Api) -> None:
    (pk,) = labels.make_labels(alice, "a")
    mallory = factories.make_admin_api(factories.make_organization())

    answers = [
        mallory.get(f"/labels/{pk}"),
        mallory.patch(f"/labels/{pk}", {"label": "x"}),
        mallory.patch(f"/labels/{pk}", {"label": "x"}, If_Match="*"),
        mallory.delete(f"/labels/{pk}"),
        mallory.get("/labels/not-an-id"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert ApiKey.objects.get().label == "a"
