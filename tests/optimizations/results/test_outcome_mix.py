"""The outcome mix: pages hold every row once, in a stable order."""

import base64
from datetime import date
from typing import Any

import numpy as np
import orjson
import pytest
from django.utils import timezone

from optimizations.cube import refresh
from optimizations.cube.cell_columns import DayColumns, collect_columns
from optimizations.models import Optimization
from optimizations.results.readings import outcome_mix
from tests.support import reference_sums
from tests.support.cube_columns import make_days
from tests.support.factories import Api, read_body, read_error
from tests.support.optimization_factories import make_optimization, make_organization
from tests.support.result_visitors import make_member_api, make_visited_optimization
from warehouse.sql.cube.statement import Cell

pytestmark = pytest.mark.django_db(transaction=True)

Rows = list[dict[str, Any]]


@pytest.fixture
def optimization() -> Optimization:
    """Make an optimization whose visitors are counted."""
    optimization = make_visited_optimization()
    assert optimization.reward_metric
    refresh.refresh_cube(optimization, optimization.reward_metric, timezone.now())
    return optimization


def walk_pages(api: Api, path: str, limit: int) -> list[Rows]:
    """Return the rows of all pages."""
    pages, cursor = [], ""
    while True:
        page = read_body(api.get(f"{path}?limit={limit}&cursor={cursor}"))
        pages.append(page["rows"])
        cursor = page["next_cursor"]
        if cursor is None:
            return pages


@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_pages_hold_every_row_of_the_report_document_once(
    optimization: Optimization, limit: int
) -> None:
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"
    document = read_body(api.get(f"{path}/report-data"))["outcome_mix"]

    pages = walk_pages(api, f"{path}/outcome-mix", limit)

    assert [row for page in pages for row in page] == document["rows"]
    assert all(len(page) == limit for page in pages[:-1])
    assert 0 < len(pages[-1]) <= limit


def test_rows_are_the_sums_of_the_cells(optimization: Optimization) -> None:
    assert optimization.reward_metric
    cells = refresh.load_cube(optimization, optimization.reward_metric).cells
    keys = dict(optimization.variants.values_list("number", "variant_key"))
    path = f"/optimizations/{optimization.pk}/outcome-mix"

    rows = read_body(make_member_api(optimization).get(path))["rows"]

    assert [
        (
            row["day"],
            row["in_holdout"],
            row["variant"],
            row["outcome_key"],
            row["users"],
        )
        for row in rows
    ] == [
        (day.isoformat(), in_holdout, keys[variant], outcome, users)
        for day, in_holdout, variant, outcome, _, users in reference_sums.count_mix(
            cells
        )
        if users
    ]
    assert {row["context"]["device"] for row in rows} == {"mobile", "desktop"}


def test_named_outcomes_are_summed_in_order() -> None:
    rng = np.random.default_rng(7)
    outcomes = ("signup", "failure", "Änderung", None)
    cells = [
        Cell(
            regime=int(rng.integers(1, 3)),
            day=date(2026, 3, 1),
            policy_version=None,
            holdout=bool(rng.random() < 0.3),
            variant=int(rng.integers(4)),
            context=int(rng.integers(3)),
            outcome=outcomes[rng.integers(4)],
            mature=True,
            hour=None,
            users=int(rng.integers(5, 9)),
            exposures=9,
            converted=int(rng.integers(5)),
            value_sum=0.0,
            value_sum_squares=0.0,
            payers=0,
            log_sum=0.0,
            log_sum_squares=0.0,
        )
        for _ in range(200)
    ]
    (day,) = make_days(cells)

    counts = outcome_mix._count_day(day)

    assert [(*key, users) for key, users in counts] == reference_sums.count_mix(cells)
    assert (
        outcome_mix._count_day(DayColumns.from_lists(day.day, collect_columns([])))
        == []
    )


def test_a_page_stays_where_it_was_when_a_day_is_counted_again(
    optimization: Optimization,
) -> None:
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"
    before = read_body(api.get(f"{path}/outcome-mix?limit=5"))
    second = f"{path}/outcome-mix?limit=5&cursor={before['next_cursor']}"

    rows = read_body(api.get(second))["rows"]
    recounted = read_body(api.get(f"{second}&refresh=full"))["rows"]

    assert recounted == rows


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        base64.urlsafe_b64encode(b'["cell",5]').decode(),
        base64.urlsafe_b64encode(b'["mix","2026-13-01",false,1,"failure",0]').decode(),
        base64.urlsafe_b64encode(b'["mix","2026-01-01",0,1,"failure",0]').decode(),
        base64.urlsafe_b64encode(b'["mix","2026-01-01",false,-1,"x",0]').decode(),
        base64.urlsafe_b64encode(orjson.dumps(["mix"])).decode(),
    ],
)
def test_a_cursor_of_another_list_is_refused(cursor: str) -> None:
    optimization = make_optimization(make_organization())
    path = f"/optimizations/{optimization.pk}/outcome-mix?cursor={cursor}"

    response = make_member_api(optimization).get(path)

    assert response.status_code == 400
    assert read_error(response)["details"][0]["field"] == "cursor"


@pytest.mark.parametrize("limit", ["0", "10001", "ten"])
def test_a_limit_out_of_range_is_refused(limit: str) -> None:
    optimization = make_optimization(make_organization())
    path = f"/optimizations/{optimization.pk}/outcome-mix?limit={limit}"

    error = read_error(make_member_api(optimization).get(path))

    assert error["details"] == [
        {"field": "limit", "message": "must be a whole number from 1 to 10000"}
    ]
