"""The 404 of an unknown path says what is wrong with it."""

import pytest
from django.test import Client


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/api/v2/optimizations/undefined", "`undefined` is not an id: ids are UUIDs"),
        ("/api/v2/optimizations/7/serve", "`7` is not an id"),
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
