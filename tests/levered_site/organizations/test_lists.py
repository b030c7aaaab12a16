"""Lists of management endpoints: pages, cursors, invalid parameters."""

import pytest
from django.utils import timezone

from levered_site.organizations.models import ApiKey
from tests.support import factories, labels

pytestmark = [pytest.mark.django_db, pytest.mark.urls(labels.__name__)]


@pytest.fixture
def alice() -> factories.Api:
    """Return an admin's API client."""
    return factories.make_admin_api(factories.make_organization())


def test_pages_cover_every_row_once(alice: factories.Api) -> None:
    labels.make_labels(alice, *"abcdefg")

    labels_read, cursor = [], ""
    for _ in range(3):
        page = factories.read_body(alice.get(f"/labels?limit=3&cursor={cursor}"))
        labels_read += [row["label"] for row in page["labels"]]
        cursor = page["next_cursor"]

    assert labels_read == list("gfedcba")
    assert cursor is None


def test_rows_with_equal_times_are_ordered_by_id(alice: factories.Api) -> None:
    labels.make_labels(alice, *"abcde")
    ApiKey.objects.update(created_at=timezone.now())

    first = factories.read_body(alice.get("/labels?limit=2&order_by=created_at"))
    cursor = first["next_cursor"]
    rest = alice.get(f"/labels?limit=9&order_by=created_at&cursor={cursor}")

    rows = first["labels"] + factories.read_body(rest)["labels"]
    assert sorted(row["label"] for row in rows) == list("abcde")


def test_a_page_has_ten_rows_by_default(alice: factories.Api) -> None:
    labels.make_labels(alice, *"abcdefghijkl")

    page = factories.read_body(alice.get("/labels"))

    assert len(page["labels"]) == 10
    assert list(page) == ["labels", "next_cursor", "meta"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=1e1", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=%D9%A3", "limit"),
        ("order_by=name", "order_by"),
        ("order_by=", "order_by"),
        ("cursor=x", "cursor"),
        ("cursor=%C3%A9", "cursor"),
        ("cursor=bnVsbA", "cursor"),
        ("cursor=WyJ1cGRhdGVkX2F0IiwieCIsInkiXQ", "cursor"),
        ("cursor=WzEsMiwzXQ", "cursor"),
    ],
)
def test_an_invalid_parameter_is_named(
    alice: factories.Api, query: str, field: str
) -> None:
    refused = alice.get(f"/labels?{query}")

    error = factories.read_error(refused)
    assert (refused.status_code, error["code"]) == (400, "invalid_parameters")
    assert error["details"][0]["field"] == field


def test_a_cursor_of_another_order_is_refused(alice: factories.Api) -> None:
    labels.make_labels(alice, *"abc")
    page = factories.read_body(alice.get("/labels?limit=1"))

    refused = alice.get(f"/labels?order_by=created_at&cursor={page['next_cursor']}")

    assert factories.read_error(refused)["details"][0]["field"] == "cursor"


def test_a_nan_in_a_response_is_a_500(alice: factories.Api) -> None:
    failed = alice.get("/broken")

    assert failed.status_code == 500
    assert factories.read_error(failed)["code"] == "internal_error"
    assert b"nan" not in failed.content
