"""Each chart compared with a file, and rules that hold for every one."""

import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from levered_site.charts.element import Element
from tests.support import chart_examples, chart_layout
from tests.support.chart_examples import EXAMPLES

SNAPSHOTS = Path(__file__).parent / "snapshots"


@pytest.mark.parametrize("name", EXAMPLES)
def test_chart_equals_its_snapshot(name: str) -> None:
    markup = EXAMPLES[name].__html__()
    text = markup.replace("><", ">\n<") + "\n"  # a line for each element
    file = SNAPSHOTS / f"{name}.svg.html"

    if "UPDATE_SNAPSHOTS" in os.environ:
        file.write_text(text)

    assert text == file.read_text()


@pytest.mark.parametrize("name", EXAMPLES)
def test_each_drawing_is_an_image_with_a_title_and_a_description(name: str) -> None:
    for drawing in chart_layout.list_drawings(EXAMPLES[name]):
        described = {
            drawing.attrib["aria-labelledby"]: "title",
            drawing.attrib["aria-describedby"]: "desc",
        }
        assert drawing.attrib["role"] == "img"
        for identifier, tag in described.items():
            (text,) = (one for one in drawing if one.get("id") == identifier)
            assert text.tag == tag
            assert text.text


def test_ids_are_unique_on_a_page_of_all_charts() -> None:
    ids = [
        element.attrib["id"]
        for chart in EXAMPLES.values()
        for element in chart_layout.parse(chart).iter()
        if "id" in element.attrib
    ]
    assert len(ids) > len(EXAMPLES)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", EXAMPLES)
def test_colors_and_scripts_are_left_to_the_page(name: str) -> None:
    forbidden = {"style", "stroke", "color", "href"}
    for element in chart_layout.parse(EXAMPLES[name]).iter():
        assert forbidden.isdisjoint(element.attrib)
        assert element.get("fill", "none") == "none"
        assert not any(attribute.startswith("on") for attribute in element.attrib)


def test_the_table_has_every_figure_that_is_drawn_and_those_that_are_not() -> None:
    table = chart_layout.parse(EXAMPLES["beliefs_many"]).find(".//tbody")

    assert table is not None
    assert len(table) == 100
    assert table[99][0].text == "100 badges · Buy now · two steps"


def test_a_withheld_day_is_a_gap_and_gives_its_reason() -> None:
    whole, broken = (_find_lines(EXAMPLES[name]) for name in ("lift", "lift_gaps"))
    rows = chart_layout.parse(EXAMPLES["lift_gaps"]).findall(".//tbody/tr")

    assert (len(whole), len(broken)) == (1, 3)
    assert [cell.text for cell in rows[3]] == [
        *("2026-11-07", "—", "—", "—"),
        "The split was broken.",
    ]


def test_nothing_to_draw_is_a_sentence_without_a_frame() -> None:
    for name in ("lift_withheld", "shares_none"):
        root = chart_layout.parse(EXAMPLES[name])
        assert [child.tag for child in root] == ["p"]


def test_all_of_a_large_optimization_stays_below_45_kilobytes() -> None:
    for chart in (
        chart_examples.build_lift("large", 60),
        chart_examples.build_shares("large", 100, 60),
        chart_examples.build_beliefs("large", 100),
        chart_examples.build_map("large", 24, 100),
    ):
        assert len(chart.__html__().encode()) < 45_000


def _find_lines(chart: Element) -> list[ET.Element]:
    drawing = chart_layout.list_drawings(chart)[0]
    return [path for path in drawing.iter("path") if path.get("class") == "chart-line"]
