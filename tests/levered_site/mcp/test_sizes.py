"""No answer is long, whatever it is about, and pages leave nothing out."""

from typing import Any

import pytest
from hypothesis import given, settings as trials, strategies as st

from levered_site.errors import InvalidParametersError
from levered_site.mcp import response_size
from tests.support import mcp_agents
from tests.support.mcp_worlds import CONFIG, World

LONG = "ü" * 190
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=3000),
    lambda inner: (
        st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=20), inner)
    ),
    max_leaves=60,
)


@trials(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=20), JSON, max_size=12))
def test_any_document_is_made_to_fit(document: dict[str, Any]) -> None:
    assert response_size.fits_in_result(response_size.shorten_to_fit(document))


def test_what_fits_is_left_as_it_is() -> None:
    document = {"summary": "short", "items": [1, 2, 3]}

    assert response_size.shorten_to_fit(document) is document


@trials(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=400), max_size=200))
def test_pages_hold_every_row_once(rows: list[str]) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = response_size.paginate_rows({"summary": "s"}, "items", rows, cursor)
        assert response_size.fits_in_result(page)
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == rows


@pytest.mark.parametrize("cursor", ["-1", "x", "4", "²", ""])
def test_a_cursor_that_was_not_given_out_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidParametersError):
        response_size.paginate_rows({}, "items", [1, 2, 3], cursor)


@pytest.fixture(scope="module")
def large(world: World) -> str:
    """An optimization with 100 variants, long names and many levels; its id."""
    levels = [f"{n} {LONG}" for n in range(10)]
    made = world.admin.call_successfully(
        "create_optimization",
        name=LONG,
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
    return str(made["optimization"]["id"])


@pytest.mark.parametrize(
    ("detail", "rows"),
    [("factors", 96), ("variants", 100), ("exclusions", 10)],
)
def test_a_large_optimization_is_read_in_short_pages(
    world: World, large: str, detail: str, rows: int
) -> None:
    seen: list[Any] = []
    asked: dict[str, Any] = {"optimization_id": large, "detail": detail}
    while True:
        found = world.admin.result("get_optimization", **asked)
        assert not found.is_error, mcp_agents.read_text(found)
        wire = found.model_dump_json(by_alias=True, exclude_none=True).encode()
        assert len(wire) < 8_192
        assert "note" not in found.structured_content, "nothing was shortened"
        seen += found.structured_content["items"]
        asked["cursor"] = found.structured_content["next_cursor"]
        if asked["cursor"] is None:
            break

    assert len(seen) == rows


@pytest.mark.parametrize(
    "tool", ["overview", "get_optimization", "update_optimization"]
)
def test_what_cannot_be_paged_is_shortened(world: World, large: str, tool: str) -> None:
    asked: dict[str, dict[str, Any]] = {
        "overview": {"limit": 100},
        "get_optimization": {"optimization_id": large},
        "update_optimization": {"optimization_id": large, "excluded_combinations": []},
    }

    found = world.admin.result(tool, **asked[tool])

    assert not found.is_error, mcp_agents.read_text(found)
    wire = found.model_dump_json(by_alias=True, exclude_none=True).encode()
    assert len(wire) < 8_192
