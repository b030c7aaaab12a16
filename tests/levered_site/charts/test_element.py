"""The builder escapes everything, writes valid XML and refuses what a page must not hold."""

import math
from xml.etree import ElementTree as ET

import pytest
from django.utils.html import format_html
from hypothesis import given, settings, strategies as st

from levered_site.charts.element import UNWRITABLE, build, format_number

texts = st.text(st.characters(blacklist_characters="\r"))


@settings(max_examples=40)
@given(texts, texts)
def test_texts_and_attributes_are_read_back_as_they_were_given(
    text: str, value: str
) -> None:
    markup = build("text", text, data_name=value, x=1).__html__()

    element = ET.fromstring(markup)  # noqa: S314 - our own markup
    assert (element.text or "") == UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    assert _ignore_breaks(element.attrib["data-name"]) == _ignore_breaks(
        UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    )


def test_markup_in_a_text_stays_text() -> None:
    hostile = "</text><script>alert(1)</script>\" onload='x"

    markup = build("text", hostile, build("title", hostile), class_=hostile).__html__()

    assert "<script" not in markup
    assert ET.fromstring(markup).attrib == {"class": hostile}  # noqa: S314 - our own markup


def test_a_template_inserts_the_markup_as_it_is() -> None:
    assert (
        format_html("<p>{}</p>", build("text", "a < b"))
        == "<p><text>a &lt; b</text></p>"
    )


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="`x` must be finite"):
        build("rect", x=number)


@pytest.mark.parametrize("name", ["style", "onclick", "onLoad", "a b", 'a"', ""])
def test_styles_event_handlers_and_broken_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="attribute"):
        build("rect", **{name: "x"})


def test_tags_that_no_chart_uses_are_refused() -> None:
    with pytest.raises(ValueError, match="no element `script`"):
        build("script", "alert(1)")


@settings(max_examples=40)
@given(st.floats(-1e6, 1e6))
def test_coordinates_are_exact_to_a_twentieth_of_a_pixel(value: float) -> None:
    text = format_number(value)

    assert abs(float(text) - value) <= 0.0501
    assert text != "-0"
    assert not text.endswith(".0")


def _ignore_breaks(text: str) -> str:
    """Return the text as XML reads an attribute: tabs and line breaks are spaces."""
    return text.translate({9: " ", 10: " "})
