"""Looking variants and contexts up gives what checking them one by one gives."""

from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from levered_site.errors import InvalidItemError
from optimizations import factors
from optimizations.ingestion import design_lookup

CONFIG = orjson.dumps(
    {
        "design_factors": [
            {"name": "b", "levels": [{"value": "A"}, {"value": "é\n"}]},
            {"name": "a", "levels": [{"value": True}, {"value": False}]},
            {"name": "n", "levels": [{"value": 1}, {"value": 1.5}, {"value": 0.0}]},
        ],
        "context_factors": [
            {"name": "device", "levels": [{"value": "mobile"}]},
            {"name": "n", "levels": [{"value": 1}]},
        ],
    }
).decode()
scalars = (
    st.sampled_from(["A", "é\n", True, False, 1, 0, 1.0, 1.5, 0.0, -0.0, "1", "true"])
    | st.integers(-(2**70), 2**70)
    | st.text(st.characters(), max_size=3)
    | st.none()
)
values = scalars | st.lists(scalars, max_size=1)


def _outcome(compute: Any) -> Any:
    try:
        return compute()
    except InvalidItemError as error:
        return error.field, error.message


def _find_and_format(design: design_lookup.Design, variant: Any) -> str:
    levels = design_lookup._find_levels(variant, design.levels)
    return factors.format_variant_key(levels)


@given(st.dictionaries(st.sampled_from(["a", "b", "n", "x"]), values))
def test_a_variant_is_looked_up_as_its_levels_are_found(
    variant: dict[str, Any],
) -> None:
    design = design_lookup.parse_design(CONFIG)

    looked_up = _outcome(lambda: design_lookup.resolve_variant(design, variant))

    assert looked_up == _outcome(lambda: _find_and_format(design, variant))


@pytest.mark.parametrize(
    "variant",
    [
        {"a": True, "b": "A", "n": 1},
        {"a": "true", "b": "A", "n": "1"},
        {"a": "true", "b": "A", "n": 1.0},
    ],
)
def test_levels_are_compared_as_text(variant: dict[str, Any]) -> None:
    design = design_lookup.parse_design(CONFIG)

    key = design_lookup.resolve_variant(design, variant)

    assert key == '{"a":true,"b":"A","n":1}'


@pytest.mark.parametrize(
    "variant",
    [
        {"a": 1, "b": "A", "n": 1},
        {"a": "True", "b": "A", "n": 1},
        {"a": True, "b": "A", "n": "1.0"},
        {"a": True, "b": "A", "n": True},
        {"a": True, "b": "a", "n": 1},
        {"a": True, "b": ["A"], "n": 1},
        {"a": True, "b": None, "n": 1},
        {"a": True, "b": "A"},
    ],
)
def test_what_is_no_level_as_text_is_refused(variant: dict[str, Any]) -> None:
    design = design_lookup.parse_design(CONFIG)

    with pytest.raises(InvalidItemError, match="variant"):
        design_lookup.resolve_variant(design, variant)


@given(st.dictionaries(st.sampled_from(["device", "n", "x"]), values))
def test_a_context_is_remembered_as_it_is_computed(context: dict[str, Any]) -> None:
    design = design_lookup.parse_design(CONFIG)

    first, second = (
        _outcome(lambda: design_lookup.resolve_context(design, context))
        for _ in range(2)
    )

    computed = _outcome(
        lambda: design_lookup._compute_recorded_context(design, context)
    )
    assert first == second == computed


def test_a_long_context_is_not_remembered() -> None:
    design = design_lookup.parse_design(CONFIG)
    before = len(design.recorded_contexts)

    design_lookup.resolve_context(design, {"device": "x" * 1000})

    assert len(design.recorded_contexts) == before
