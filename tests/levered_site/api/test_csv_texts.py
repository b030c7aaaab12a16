"""Cells that programs read back exactly, and that no spreadsheet computes."""

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import given, strategies as st

from levered_site.api.csv_texts import write_cell, write_lines
from tests.support.csv_answers import assert_same_value, restore, split_list

# What OWASP lists, in the places where a spreadsheet may begin a cell.
FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "-5%",
    "@SUM(A1:A9)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "  =1+1",
    "'=1+1",
    "=cmd|' /C calc'!A0",
    "\uff1d1+1",
    "ok;=1+1",
    "ok\n=1+1",
    "ok\t@x",
    "ok; -1+1",
]
# Texts made mostly of what matters.
TEXTS = st.text(alphabet=st.sampled_from("=+-@'\";, \t\r\n\\a5.e\uff1dé"), max_size=20)
PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXTS
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.one_of(PLAIN, FLOATS),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_leaves=8,
)


def read_line(line: bytes) -> list[str]:
    """Return the cells of one line, as Python's module reads them."""
    (cells,) = csv.reader(io.StringIO(line.decode(), newline=""), strict=True)
    return cells


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(text: str) -> None:
    (cell,) = read_line(write_lines([[text]]))

    starts = re.split(r"[;\t\r\n]", cell)
    assert not any(re.match(r" *[=+\-@\uff1d]", start) for start in starts if start)
    assert restore(cell) == text


@pytest.mark.parametrize("value", [-5, -0.25, -1e-9, 5, 1e20])
def test_a_negative_number_stays_a_number(value: float) -> None:
    assert float(write_cell(value)) == value


@pytest.mark.parametrize("text", ["-5", "-0.25", "-1e-9", "a;-5", "-5;-6.5"])
def test_a_text_that_is_a_negative_number_stays_as_it_is(text: str) -> None:
    assert write_cell(text).strip('"') == text


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_what_a_program_reads_is_what_was_written(values: list[Any]) -> None:
    cells = read_line(write_lines([values]))

    assert len(cells) == len(values)
    for cell, value in zip(cells, values, strict=True):
        assert_same_value(cell, value, "")


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_no_cell_begins_a_formula(values: list[Any]) -> None:
    for cell in read_line(write_lines([values])):
        for start in re.split(r"[;\t\r\n]", cell):
            number = re.fullmatch(r"-\d+(\.\d+)?([eE][+-]?\d+)?", start)
            assert number or not re.match(r" *[=+\-@\uff1d]", start)


def test_lines_end_as_rfc_4180_says_and_quotes_are_doubled() -> None:
    lines = write_lines([["a", 'say "hi"'], [None, "two\r\nlines"]], ["é", True])

    assert lines.decode() == 'a,"say ""hi""",é,true\r\n,"two\r\nlines",é,true\r\n'


def test_a_null_alone_in_its_line_is_no_empty_line() -> None:
    assert write_lines([[None], ["a"]]) == b'""\r\na\r\n'


def test_nothing_and_an_empty_text_differ() -> None:
    assert write_lines([[None, ""]]) == b',""\r\n'


def test_a_list_is_joined_and_a_semicolon_in_it_is_escaped() -> None:
    cell = write_cell(["ingest", "a;b", "c\\", 5, None, True]).strip('"')

    assert cell == r"ingest;a\;b;c\\;5;;true"
    assert split_list(cell) == ["ingest", "a;b", "c\\", "5", "", "true"]


def test_a_lone_surrogate_is_replaced() -> None:
    assert write_lines([["a\ud800b"]]) == b"a?b\r\n"
