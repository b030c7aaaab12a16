"""Every answer fits the size limit, and pages leave nothing out."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings as trials, strategies as st

from levered_site.errors import InvalidParametersError
from levered_site.mcp import response_size, shortening
from levered_site.mcp.tools import results
from tests.support import mcp_agents
from tests.support.mcp_worlds import CONFIG, World

LONG_TEXT = "ü" * 190
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=3000),
    lambda inner: (
        st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=20), inner)
    ),
    max_leaves=60,
)


@trials(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=20), JSON, max_size=12))
def test_any_document_is_shortened_to_fit(document: dict[str, Any]) -> None:
    assert response_size.fits_in_result(shortening.shorten_to_fit(document))


def test_a_document_that_fits_is_not_changed() -> None:
    document = {"summary": "short", "items": [1, 2, 3]}

    assert shortening.shorten_to_fit(document) is document


@trials(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=400), max_size=200))
def test_pages_contain_every_row_once(rows: list[str]) -> None:
    paged: list[str] = []
    cursor: str | None = None
    while True:
        page = response_size.paginate_rows({"summary": "s"}, "items", rows, cursor)
        assert response_size.fits_in_result(page)
        paged += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert paged == rows


@trials(max_examples=60, deadline=None)
@given(
    st.lists(st.text(max_size=1500), max_size=30),
    st.integers(min_value=1, max_value=30),
)
def test_a_page_of_the_api_has_as_many_rows_as_fit(rows: list[str], limit: int) -> None:
    fetched: list[int] = []

    def fetch_page(count: int) -> dict[str, Any]:
        fetched.append(count)
        cursor = "c" * 90 if count < len(rows) else None
        return {"rows": rows[:count], "next_cursor": cursor}

    def build_answer(page: dict[str, Any]) -> dict[str, Any]:
        items = page.pop("rows")
        return {"summary": f"{len(items)} rows", "items": items, **page}

    answer = response_size.fetch_fitting_page(fetch_page, build_answer, limit, "rows")

    shown = len(answer["items"])
    fitting = [
        count
        for count in range(1, limit + 1)
        if response_size.fits_in_result(build_answer(fetch_page(count)))
    ]
    assert shown == min(len(rows), max(fitting, default=1))
    assert answer["next_cursor"] == fetch_page(shown)["next_cursor"]
    assert len(fetched) <= limit + 4


@pytest.mark.parametrize("cursor", ["-1", "x", "4", "²", ""])
def test_a_cursor_that_no_page_had_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidParametersError):
        response_size.paginate_rows({}, "items", [1, 2, 3], cursor)


@pytest.fixture(scope="module")
def large(world: World) -> str:
    """Create an optimization with 100 variants, long names and many levels; its id."""
    levels = [f"{n} {LONG_TEXT}" for n in range(10)]
    answer = world.admin.call_successfully(
        "create_optimization",
        name=LONG_TEXT,
        training_data_config=CONFIG
        | {
            "design_factors": [
                {"name": name, "dtype": "str", "levels": levels} for name in "ab"
            ],
            "context_factors": [
                {"name": name, "dtype": "str", "levels": [f"{n}" for n in range(38)]}
                for name in "cd"
            ],
        },
        excluded_combinations=[{"a": levels[1], "b": levels[n]} for n in range(10)],
    )
    return str(answer["optimization"]["id"])


@pytest.mark.parametrize(
    ("detail", "rows"),
    [("factors", 96), ("variants", 100), ("exclusions", 10)],
)
def test_a_large_optimization_is_read_in_short_pages(
    world: World, large: str, detail: str, rows: int
) -> None:
    items: list[Any] = []
    arguments: dict[str, Any] = {"optimization_id": large, "detail": detail}
    while True:
        result = world.admin.call_tool("get_optimization", **arguments)
        assert not result.is_error, mcp_agents.read_text(result)
        assert mcp_agents.measure_wire_size(result) < mcp_agents.MAX_RESULT_BYTES
        assert "note" not in result.structured_content, "nothing was shortened"
        items += result.structured_content["items"]
        arguments["cursor"] = result.structured_content["next_cursor"]
        if arguments["cursor"] is None:
            break

    assert len(items) == rows


def count_users(world: World, view: str) -> int:
    """Add up the users on all pages of a view; each page must be short."""
    users = 0
    arguments: dict[str, Any] = {"optimization_id": world.live, "view": view}
    while True:
        result = world.admin.call_tool("get_results", **arguments)
        assert not result.is_error, mcp_agents.read_text(result)
        assert mcp_agents.measure_wire_size(result) < mcp_agents.MAX_RESULT_BYTES
        page = result.structured_content
        users += sum(int(row["users"]) for row in page.get("items", ()))
        arguments["cursor"] = page.get("next_cursor")
        if arguments["cursor"] is None:
            return users


def test_all_counts_are_read_in_short_pages(world: World) -> None:
    users = count_users(world, "cells")

    assert users >= 41  # tests before may have served more
    assert count_users(world, "outcome_mix") == users


@pytest.mark.parametrize(
    "tool", ["overview", "get_optimization", "update_optimization"]
)
def test_an_answer_without_pages_is_shortened(
    world: World, large: str, tool: str
) -> None:
    arguments: dict[str, dict[str, Any]] = {
        "overview": {"limit": 100},
        "get_optimization": {"optimization_id": large},
        "update_optimization": {"optimization_id": large, "excluded_combinations": []},
    }

    result = world.admin.call_tool(tool, **arguments[tool])

    assert not result.is_error, mcp_agents.read_text(result)
    assert mcp_agents.measure_wire_size(result) < mcp_agents.MAX_RESULT_BYTES


def read_pages(document: dict[str, Any], rows: list[Any]) -> list[Any]:
    """Return the rows of all pages, each as a tool answers it."""
    paged: list[Any] = []
    cursor: str | None = None
    while True:
        page = shortening.shorten_to_fit(
            response_size.paginate_rows(document, "items", rows, cursor)
        )
        assert response_size.fits_in_result(page)
        paged += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return paged


@pytest.mark.parametrize("length", [2, 20, 200])
def test_a_long_head_takes_no_row_from_a_page(length: int) -> None:
    reasons = [{"code": "x", "message": LONG_TEXT, "next": LONG_TEXT}] * length
    document = {
        "summary": LONG_TEXT,
        "figures": {"health": {"status": "broken", "reasons": reasons}},
    }
    rows = [{"number": n, "variant": {"headline": LONG_TEXT}} for n in range(30)]

    paged = read_pages(document, rows)

    assert [row["number"] for row in paged] == list(range(30))


@pytest.mark.parametrize("factors", [1, 20])
def test_a_row_too_long_for_a_page_is_cut_and_not_left_out(factors: int) -> None:
    variant = {f"factor {n}": LONG_TEXT * 20 for n in range(factors)}
    rows = [{"number": n, "variant": variant} for n in range(3)]

    paged = read_pages({"summary": "s"}, rows)

    assert [row["number"] for row in paged] == [0, 1, 2]


def test_an_empty_page_leads_to_the_first_row() -> None:
    page = response_size.build_empty_page({"summary": "s"}, "items", [1, 2])

    assert (page["items"], page["next_cursor"]) == ([], "0")
    assert response_size.paginate_rows({}, "items", [1, 2], "0")["items"] == [1, 2]


def test_figures_that_fill_an_answer_have_the_first_page_alone() -> None:
    reasons = [{"code": "x", "message": LONG_TEXT, "next": LONG_TEXT}] * 3
    figures = {
        "as_of": "2026-03-28T14:22:00Z",
        "health": {"status": "broken", "reasons": reasons},
        "notes": [LONG_TEXT],
    }
    headline = LONG_TEXT * 5
    rows = [{"number": n, "variant": {"headline": headline}} for n in range(9)]
    arguments = {"optimization_id": UUID(int=7), "view": "variants"}

    first = results._build_page(
        results.ResultsInput.model_validate(arguments), rows, figures=figures
    )
    second = results._build_page(
        results.ResultsInput.model_validate(arguments | {"cursor": "0"}),
        rows,
        figures=figures,
    )

    assert (first["items"], first["next_cursor"]) == ([], "0")
    assert first["figures"] == figures
    assert first["next"] == response_size.NEXT_PAGE_STEP
    assert second["items"] == rows[: len(second["items"])] != []
    assert second["figures"]["health"] == {"status": "broken"}
    assert all(map(response_size.fits_in_result, (first, second)))


def test_a_larger_limit_never_shows_fewer_rows(world: World) -> None:
    for number in range(10):
        world.admin.call_successfully(
            "create_optimization",
            name=f"Listed {number}",
            training_data_config=CONFIG,
            reward_metric_id=world.metric,
        )
    pages = [
        world.admin.call_successfully("overview", limit=limit) for limit in (2, 4, 10)
    ]

    shown = [len(page["items"]) for page in pages]

    assert shown[0] == 2
    assert shown == sorted(shown)
    assert all(page["next_cursor"] for page in pages)
    assert all("more follow at next_cursor." in page["summary"] for page in pages)


def test_every_variant_of_the_results_is_reached(world: World, large: str) -> None:
    numbers: list[int] = []
    arguments: dict[str, Any] = {"optimization_id": large, "view": "variants"}
    while True:
        page = world.admin.call_successfully("get_results", **arguments)
        numbers += [row["number"] for row in page["items"]]
        arguments["cursor"] = page["next_cursor"]
        if arguments["cursor"] is None:
            break

    assert numbers == list(range(1, 101))
