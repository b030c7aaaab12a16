"""JSON parsing: bodies are parsed or refused, and never cause a 500."""

import io
import time
import tracemalloc
from typing import Any

import orjson
import pytest
from hypothesis import given, strategies as st

from levered_site.api import parsers
from levered_site.errors import (
    BadRequestError,
    InvalidParametersError,
    PayloadTooLargeError,
)
from tests.support.running_service import crowding


def _parse(raw: bytes) -> object:
    return parsers.OrjsonParser().parse(io.BytesIO(raw))


def test_an_object_is_parsed() -> None:
    assert _parse(b'{"a": [1, 2.5, true, null, "\xc3\xa9"]}') == {
        "a": [1, 2.5, True, None, "é"]
    }


def test_no_body_is_an_empty_object() -> None:
    assert _parse(b"") == _parse(b" \n") == {}


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b'{"a": "\xff"}',
        b'{"a": "\x00"}',
        b"{'a': 1}",
        b'{"a": 1,}',
        b"\xef\xbb\xbf{}",
        b'{"a": ' * 5000 + b"1" + b"}" * 5000,
        b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
        b'{"a": ' + b"[" * 65 + b"]" * 65 + b"}",
    ],
)
def test_an_invalid_body_is_a_bad_request(raw: bytes) -> None:
    with pytest.raises(BadRequestError):
        _parse(raw)


def test_nesting_up_to_the_limit_is_parsed() -> None:
    _parse(b'{"a": ' + b"[" * 62 + b"]" * 62 + b"}")


def test_fields_with_a_nul_character_are_named() -> None:
    raw = rb'{"a": [{"b": "x\u0000"}], "c\u0000": 1, "fine": "\\u0000"}'

    with pytest.raises(InvalidParametersError) as refused:
        _parse(raw)

    fields = [problem.field for problem in refused.value.details]
    assert fields == ["a[0].b", r"c\u0000"]


def test_an_escaped_backslash_is_not_a_nul() -> None:
    assert _parse(rb'{"a": "\\u0000"}') == {"a": r"\u0000"}


@pytest.mark.parametrize(
    "value", [b"[]", b"{}", b'{"":0}', b"1", b'""', b'"\\""', b'"\\\\"']
)
def test_a_body_of_many_small_values_is_refused_before_it_is_parsed(
    value: bytes,
) -> None:
    raw = b'{"a":[' + b",".join([value] * parsers.MAX_MARKS) + b"]}"

    for parse in (_parse, parsers.parse_object):
        with pytest.raises(PayloadTooLargeError, match="too many values"):
            parse(raw)


@pytest.mark.parametrize(
    "text", [b",:[{" * 100_000, b'\\"' * 300_000 + b",:[{" * 100_000]
)
def test_marks_within_a_text_do_not_count(text: bytes) -> None:
    assert _parse(b'{"a":"' + text + b'"}')


@pytest.mark.parametrize(
    "unit",
    [b'\\"', b'"', b'""', b'"\\', b'\\\\"', b',"', b'"x', b"\\", b'"\\"', b'","'],
)
def test_counting_values_takes_little_time_and_memory_whatever_the_body(
    unit: bytes,
) -> None:
    """Five megabytes, valid or not: a pattern would try again at each of its quotes."""
    raw = b'{"a":[' + b"," * parsers.MAX_MARKS + unit * (5_000_000 // len(unit))
    tracemalloc.start()
    started = time.monotonic()

    with pytest.raises(PayloadTooLargeError):
        parsers.refuse_too_many_values(raw)

    seconds = time.monotonic() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 2 * crowding()
    assert peak < 3 * len(raw)


def _count_values(value: Any) -> int:
    """Return how many marks a JSON value has."""
    if isinstance(value, dict):
        colons_and_commas = max(0, 2 * len(value) - 1)
        return 1 + colons_and_commas + sum(map(_count_values, value.values()))
    if isinstance(value, list):
        return 1 + max(0, len(value) - 1) + sum(map(_count_values, value))
    return 0


ODD_TEXTS = st.text(st.sampled_from('\\",:[{a'), max_size=6)
DOCUMENTS = st.dictionaries(
    ODD_TEXTS,
    st.recursive(
        ODD_TEXTS | st.integers(-9, 9) | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(ODD_TEXTS, inner),
        max_leaves=20,
    ),
)


@given(DOCUMENTS)
def test_a_body_may_have_exactly_as_many_values_as_the_limit_says(
    document: dict[str, Any],
) -> None:
    raw, count = orjson.dumps(document), _count_values(document)
    assert parsers.parse_object(raw, count) == document
    with pytest.raises(PayloadTooLargeError):
        parsers.parse_object(raw, count - 1)


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(raw: bytes) -> None:
    try:
        document = _parse(raw)
    except (BadRequestError, InvalidParametersError):
        return

    assert isinstance(document, dict)
