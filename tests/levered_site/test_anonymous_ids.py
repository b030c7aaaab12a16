"""The rule for ids of users: what is refused, what may pass, and how fast."""

import timeit
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from levered_site import anonymous_ids
from levered_site.anonymous_ids import find_anonymous_id_problem


@pytest.mark.parametrize(
    "value",
    [
        "a",
        "x" * 256,
        "3f2b8c1e-6f0d-4a55-9a1c-0d5f1f0e7a11",
        "ann@example.com",
        " ann ",
        "Undefined",
        "NULL",
        "null-1",
        "0",
        "user\u00a0one",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\ufeffann",
        "...",
        "a..",
        "../a",
    ],
)
def test_an_ordinary_id_has_no_problem(value: str) -> None:
    assert find_anonymous_id_problem(value) is None


IDS = st.one_of(
    st.text(st.characters(max_codepoint=0x2FF), max_size=3),
    st.sampled_from([*anonymous_ids.UNUSABLE_IDS, "x" * 256, "x" * 257]),
)


@given(st.lists(IDS, min_size=1, max_size=3))
def test_the_quick_check_of_many_accepts_no_id_that_has_a_problem(
    values: list[str],
) -> None:
    if anonymous_ids.are_plain_ids(values):
        assert not any(map(find_anonymous_id_problem, values))


@pytest.mark.parametrize(
    ("values", "are_plain"),
    [
        (["a", "x" * 256], True),
        (["a", ""], False),
        (["a", "x" * 257], False),
        (["a", "null"], False),
        (["a", ".."], False),
        (["a", " "], False),
        (["a", "b\n"], False),
        (["a", "b\u00e9"], False),
    ],
)
def test_the_quick_check_of_many_is_for_visible_ascii(
    values: list[str], are_plain: bool
) -> None:
    assert anonymous_ids.are_plain_ids(values) is are_plain


@pytest.mark.parametrize("value", sorted(anonymous_ids.PLACEHOLDER_IDS))
def test_what_a_program_prints_for_a_missing_id_is_named_and_refused(
    value: str,
) -> None:
    problem = find_anonymous_id_problem(value)

    assert problem is not None
    assert f"prints `{value}`" in problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "must be a string of 1 to 256 characters"),
        (7, "must be a string of 1 to 256 characters"),
        (["ann"], "must be a string of 1 to 256 characters"),
        ("", "must be a string of 1 to 256 characters"),
        ("x" * 257, "must be a string of 1 to 256 characters"),
        (" ", anonymous_ids.BLANK_PROBLEM),
        ("\t\n", anonymous_ids.BLANK_PROBLEM),
        ("\u3000\u00a0", anonymous_ids.BLANK_PROBLEM),
        ("a\0", "must not contain a NUL character"),
        ("a\ud800", "must not contain a lone surrogate"),
        ("a\n", "must not contain a control character such as a line feed"),
        ("a\x7f", "must not contain a control character such as a line feed"),
        (".", "must not be `.`, which URLs drop from their paths"),
        ("..", "must not be `..`, which URLs drop from their paths"),
        ("a\x85", "must not contain a control character such as a line feed"),
    ],
)
def test_a_problem_says_what_the_id_must_be(value: object, problem: str) -> None:
    assert find_anonymous_id_problem(value) == problem


@pytest.mark.parametrize(
    "character",
    [
        *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e"),
        *("\u2800", "\u3164", "\u115f", "\u1160", "\uffa0", "\u034f", "\u180e"),
        *("\ufe0f", "\U000e0100", "\U000e0020", "\u2028", "\x7f", "\x85"),
    ],
)
@pytest.mark.parametrize("build", [lambda c: c, lambda c: f" {c}\u00a0{c}\u200b "])
def test_an_id_without_a_visible_character_is_blank(
    build: Callable[[str], str], character: str
) -> None:
    assert find_anonymous_id_problem(build(character)) == anonymous_ids.BLANK_PROBLEM


@pytest.mark.parametrize("character", ["\u200b", "\u00ad", "\u2800", "\ufe0f"])
def test_an_invisible_character_beside_a_visible_one_may_pass(character: str) -> None:
    assert find_anonymous_id_problem(f"{character}a{character}") is None


@given(
    st.text(st.characters(), max_size=300)
    | st.text("./ u", max_size=3)
    | st.text(f" a\u00a0\u200b\n{anonymous_ids.BLANK_LETTERS}", max_size=4)
    | st.sampled_from(sorted(anonymous_ids.UNUSABLE_IDS))
    | st.integers()
    | st.none()
)
def test_the_quick_check_agrees_with_the_step_by_step_one(value: object) -> None:
    assert find_anonymous_id_problem(value) == anonymous_ids._find_problem(value)


def test_an_ordinary_id_costs_well_under_a_microsecond() -> None:
    user = "3f2b8c1e-6f0d-4a55-9a1c-0d5f1f0e7a11"

    seconds = min(
        timeit.repeat(lambda: find_anonymous_id_problem(user), number=10_000, repeat=20)
    )

    assert seconds / 10_000 < 2e-6  # 0.2 µs on a quiet machine
