"""The 404 of an unknown path says what is wrong with it."""

import pytest
from django.test import Client

LIVE = "/api/v2/optimizations/00000000-0000-4000-8000-000000000007"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/v2/optimizations/undefined", "`undefined` is not an id: ids are UUIDs"),
        ("/api/v2/optimizations/7/serve", "`7` is not an id"),
        (f"{LIVE}/variants/abc", "`abc` is not a number."),
        (f"{LIVE}/variants/by-number/abc/screenshot", "`abc` is not a number."),
        ("/api/v2/models/abc/training-runs/def", "`abc` is not an id"),
        ("/api/v2/optimizations/abc/variants/def", "`abc` is not an id"),
        ("/api/v2/api-keys/abc", "`abc` is not an id"),
        ("/api/v2/api-keys/abc/rotate", "`abc` is not an id"),
        ("/api/v2", "The documentation is at /api/v2/docs."),
        ("/api/v2/", "The documentation is at /api/v2/docs."),
        ("/api/v2/docs/", "The documentation is at /api/v2/docs."),
        ("/api/v2/optimizatons", "There is no endpoint at /api/v2/optimizatons."),
        ("/api/v2/optimizations/", "There is no endpoint at /api/v2/optimizations/."),
        ("/api/v2/" + "a/" * 5000, "There is no endpoint at /api/v2/a/a/"),
    ],
)
def test_a_404_says_whether_the_path_or_an_id_in_it_is_wrong(
    path: str, message: str
) -> None:
    answer = Client().get(path)

    assert answer.status_code == 404
    assert message in answer.json()["error"]["message"]
