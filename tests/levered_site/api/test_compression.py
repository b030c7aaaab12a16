"""Compressed answers: smaller, equal to the plain ones, and as good for ETags."""

import gzip

import pytest
from django.http import HttpResponse

from levered_site.api.compression import accepts_gzip
from tests.support.factories import Api, make_admin_api, read_body
from tests.support.optimization_factories import (
    make_config,
    make_factor,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import make_member_api

pytestmark = pytest.mark.django_db(transaction=True)

NUMBERS = tuple(f"a rather long headline, number {number}" for number in range(20))
LARGE = make_config(design_factors=[make_factor("headline", *NUMBERS)])


@pytest.mark.parametrize(
    ("header", "is_accepted"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("br, *", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
        ("*;q=0", False),
        ("gzip;q=x", False),
        ("gzipped", False),
        ("identity", False),
        ("", False),
    ],
)
def test_accept_encoding_is_read_with_its_weights(
    header: str, *, is_accepted: bool
) -> None:
    assert accepts_gzip(header) is is_accepted


def read_compressed(api: Api, path: str, **headers: str) -> HttpResponse:
    """Send a GET that accepts gzip."""
    return api.get(path, Accept_Encoding="gzip", **headers)


def test_a_large_answer_is_compressed_when_asked_for() -> None:
    optimization = make_optimization(make_organization(), training_data_config=LARGE)
    api, path = (
        make_member_api(optimization),
        f"/optimizations/{optimization.pk}/results",
    )

    plain, compressed = api.get(path), read_compressed(api, path)

    assert compressed["Content-Encoding"] == "gzip"
    assert compressed["Content-Length"] == str(len(compressed.content))
    assert len(compressed.content) < len(plain.content) / 5
    document = HttpResponse(gzip.decompress(compressed.content))
    assert read_body(document)["variants"] == read_body(plain)["variants"]
    assert not plain.has_header("Content-Encoding")
    assert "Accept-Encoding" in plain["Vary"]
    assert "Accept-Encoding" in compressed["Vary"]


def test_an_answer_below_a_kilobyte_is_never_compressed() -> None:
    api = make_admin_api(make_organization())

    response = read_compressed(api, "/me")

    assert response.status_code == 200
    assert not response.has_header("Content-Encoding")


def test_the_etag_of_a_compressed_answer_is_good_for_if_match_and_if_none_match() -> (
    None
):
    optimization = make_optimization(make_organization(), training_data_config=LARGE)
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"

    plain, compressed = api.get(path), read_compressed(api, path)
    unchanged = read_compressed(api, path, If_None_Match=compressed["ETag"])
    changed = api.patch(path, {"name": "New"}, If_Match=compressed["ETag"])
    stale = api.patch(path, {"name": "Newer"}, If_Match=compressed["ETag"])

    assert compressed["Content-Encoding"] == "gzip"
    assert compressed["ETag"] == plain["ETag"]
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert not unchanged.has_header("Content-Encoding")
    assert [changed.status_code, stale.status_code] == [200, 412]


def test_head_announces_what_get_sends() -> None:
    api = make_admin_api(make_organization())
    headers = {"Accept-Encoding": "gzip"}

    body = api.request("GET", "/schema", headers=headers)
    head = api.request("HEAD", "/schema", headers=headers)

    assert body["Content-Encoding"] == head["Content-Encoding"] == "gzip"
    assert body["Content-Length"] == head["Content-Length"]
    assert head.content == b""


def test_pages_of_the_admin_are_not_compressed() -> None:
    response = Api().request(
        "GET", "/admin/login/", headers={"Accept-Encoding": "gzip"}, base=""
    )

    assert len(response.content) > 1024
    assert not response.has_header("Content-Encoding")


def test_a_compressed_error_keeps_its_format() -> None:
    api = make_admin_api(make_organization())
    unknown = {f"an unknown field, number {number}": 1 for number in range(60)}

    response = api.post("/optimizations", unknown, Accept_Encoding="gzip")

    assert response.status_code == 400
    document = HttpResponse(gzip.decompress(response.content))
    assert read_body(document)["error"]["code"] == "invalid_parameters"
