"""Assignment sources, which only a connected warehouse has, as CSV."""

import pytest
from django.utils import timezone

from tests.support.csv_answers import assert_same_rows
from tests.support.factories import read_body
from tests.support.second_postgres import SecondServer
from tests.support.shop import SOURCE, launch_optimization, simulate_history

pytestmark = pytest.mark.django_db(transaction=True)

CSV = {"Accept": "text/csv"}


def test_sources_and_their_previews_are_taken_away(second: SecondServer) -> None:
    alice, optimization = launch_optimization(second)
    now = timezone.now()
    history = simulate_history(optimization["id"], now, holdout_percentage=20)
    second.store(optimization["id"], *history)
    sources = read_body(alice.get("/warehouse/assignment-sources"))[
        "assignment_sources"
    ]
    unsaved = {name: SOURCE[name] for name in ("sql", "column_mapping")} | {"limit": 3}
    previews = {
        "/warehouse/assignment-sources/preview": unsaved,
        f"/warehouse/assignment-sources/{sources[0]['id']}/preview": {"limit": 3},
    }

    listed = alice.request("GET", "/warehouse/assignment-sources", headers=CSV)

    assert_same_rows(listed, sources)
    for path, body in previews.items():
        preview = read_body(alice.post(path, body))
        names = preview["columns"]
        rows = [dict(zip(names, each, strict=True)) for each in preview["rows"]]
        response = alice.request("POST", path, body, CSV)
        assert assert_same_rows(response, rows) == names
        assert len(rows) == 3
        assert response["X-Truncated"] == "true"
