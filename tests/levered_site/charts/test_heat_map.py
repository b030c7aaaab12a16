"""The shades of cells: what is within chance stays pale."""

import re

from levered_site.charts.figure import Heading
from levered_site.charts.heat_map import HeatCell, HeatMap, Hue, build_heat_map

SHADE = re.compile(r"chart-cell chart-(gain|loss|share)-(\d)")


def list_shades(cells: list[HeatCell], hue: Hue) -> set[tuple[str, int]]:
    """Return the color and the depth of each shade that is drawn."""
    columns = [f"level {number}" for number in range(len(cells))]
    chart = HeatMap("a by b", ["row"], columns, [cells], hue, "beyond chance")
    drawn = build_heat_map(Heading("map", "What goes together", "Points."), chart)
    return {(name, int(step)) for name, step in SHADE.findall(drawn.__html__())}


def test_a_signed_cell_within_chance_is_pale_even_if_it_is_the_largest() -> None:
    chance = [HeatCell(0.9, "+0.9"), HeatCell(-0.9, "-0.9"), HeatCell(0.1, "+0.1")]

    assert list_shades(chance, "signed") == {("gain", 2), ("loss", 2), ("gain", 0)}


def test_a_signed_cell_beyond_chance_is_deeper_than_any_within_it() -> None:
    cells = [
        HeatCell(0.9, "+0.9"),
        HeatCell(0.1, "+0.1", is_marked=True),
        HeatCell(-0.8, "-0.8", is_marked=True),
    ]

    assert list_shades(cells, "signed") == {("gain", 2), ("gain", 4), ("loss", 7)}


def test_a_share_is_as_deep_as_it_is_large() -> None:
    cells = [HeatCell(1.0, "100%"), HeatCell(0.5, "50%", is_marked=True)]

    assert list_shades(cells, "share") == {("share", 8), ("share", 4)}
