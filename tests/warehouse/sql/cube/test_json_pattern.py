"""The pattern of JSON objects, against Postgres itself, which can tell from 16 on."""

import json
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings, strategies as st

from warehouse.sql.cube.json_pattern import JSON_OBJECT_PATTERN

pytestmark = pytest.mark.django_db

SELECT = """SELECT %s::text ~ %s AS matches,
  pg_input_is_valid(%s::text, 'jsonb') AS is_valid"""
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_scalars: st.SearchStrategy[Any] = st.none() | st.booleans() | st.integers() | _texts
_scalars |= st.floats(allow_nan=False, allow_infinity=False)
_flat = st.dictionaries(_texts, _scalars, max_size=4)
_deeper = _flat | st.dictionaries(
    _texts, _scalars | st.lists(_scalars | _flat, max_size=3) | _flat, max_size=3
)
_pieces = st.lists(
    st.sampled_from(
        [
            *('"', '"a"', ":", ",", "{", "}", "[", "]", "1", "-0", "01", "1.", "2e3"),
            *("true", "null", " ", "\\", r"\u0000", r"\ud83d", r"\ud83d\ude00"),
            *(r"\n", "\n", "\t", "é"),
        ]
    ),
    max_size=12,
).map("".join)


def judge(text: str) -> tuple[bool, bool]:
    """Return whether the pattern matches, and whether Postgres can store the text."""
    with connection.cursor() as cursor:
        cursor.execute(SELECT, [text, JSON_OBJECT_PATTERN, text])
        matches, is_valid = cursor.fetchone() or (False, False)
    return matches, is_valid


@settings(max_examples=150, deadline=None)
@given(_deeper, st.sampled_from([None, 1]), st.booleans())
def test_every_object_of_usual_depth_matches(
    value: dict[str, Any], indent: int | None, ensure_ascii: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ensure_ascii)

    assert judge(text) == (True, True)


@settings(max_examples=400, deadline=None)
@given(_pieces | _pieces.map(lambda pieces: "{" + pieces + "}"))
def test_what_matches_can_be_stored(text: str) -> None:
    matches, is_valid = judge(text)

    assert is_valid or not matches


@pytest.mark.parametrize(
    "text", ["[1]", "1", '{"a":{"b":{"c":{}}}}', "", "{", '{"a":1,}']
)
def test_what_is_no_object_or_too_deep_does_not_match(text: str) -> None:
    assert not judge(text)[0]


@pytest.mark.parametrize(
    "text", ['{"a":' * 3000, "{" + '"a":"b",' * 20_000, "[" * 9000]
)
def test_a_long_text_is_judged_soon(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '5s'")
        cursor.execute(SELECT, [text, JSON_OBJECT_PATTERN, text])
        cursor.execute("RESET statement_timeout")
