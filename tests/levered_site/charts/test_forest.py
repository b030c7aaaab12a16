"""Intervals under one another: which end in arrows, and what stands where none is known."""

from collections.abc import Sequence

from levered_site.charts.figure import Heading
from levered_site.charts.forest import ForestRow, build_forest
from levered_site.charts.units import LIFT
from tests.support import chart_layout

HEADING = Heading("forest", "Lift by segment", "By level.")
NARROW, WIDE = 0, 1


def draw(rows: Sequence[ForestRow]) -> str:
    return build_forest(HEADING, rows, unit=LIFT, row_name="segment").__html__()


def test_intervals_of_about_one_size_have_no_arrows() -> None:
    rows = [
        ForestRow("device: mobile", 12.0, 2.0, 23.0),
        ForestRow("device: desktop", 3.0, -14.0, 22.0),
        ForestRow("device: tablet", 10.0, -40.0, 80.0),
    ]

    assert "chart-arrow" not in draw(rows)


def test_an_interval_many_times_as_wide_ends_in_arrows_as_an_open_one_does() -> None:
    narrow = [ForestRow(f"plan: {number}", 1.0, -2.0, 4.0) for number in range(3)]
    extreme = ForestRow("plan: rare", 5.0, -90.0, 900.0)
    is_open = ForestRow("plan: new", 2.0, -1.0, None)

    assert draw([*narrow, extreme]).count("chart-arrow") == 2 * 2  # narrow and wide
    assert draw([*narrow, is_open]).count("chart-arrow") == 2


def test_where_all_is_withheld_the_reason_stands_in_place_of_an_axis() -> None:
    rows = [
        ForestRow("device: mobile", None, withheld="fewer than 30 users"),
        ForestRow("device: desktop", None, withheld="fewer than 30 users"),
    ]
    others = [*rows, ForestRow("device: tablet", None, withheld="nobody converted")]

    assert "<svg" not in draw(rows)
    assert "Withheld: fewer than 30 users." in draw(rows)
    assert (
        "Withheld. device: mobile, device: desktop: fewer than 30 users. "
        "device: tablet: nobody converted." in draw(others)
    )


def test_rows_below_a_group_stand_evenly_and_their_zero_is_one_line() -> None:
    rows = [
        ForestRow("copy", None, is_group=True),
        ForestRow("Save hours", 1.0, 0.5, 1.5),
        ForestRow("layout", None, is_group=True),
        ForestRow("one column", 2.0, 1.0, 3.0),
    ]
    chart = build_forest(HEADING, rows, unit=LIFT, row_name="choice")
    spans = [
        [
            (float(line.attrib["y1"]), float(line.attrib["y2"]))
            for line in drawing.iter("line")
            if line.get("class") == "chart-zero"
        ]
        for drawing in chart_layout.list_drawings(chart)
    ]

    ends = [end for _, end in spans[WIDE]]
    assert [start for start, _ in spans[WIDE]][1:] == ends[:-1]
    assert len(spans[WIDE]) == len(rows)
    (_, first), (second, _) = spans[NARROW]
    assert second - first == 24 + 18  # the group, and the label above the interval
