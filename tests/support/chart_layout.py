"""Where the texts and shapes of a drawing are, read from its markup."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from levered_site.charts.element import Element
from levered_site.charts.marks import SIZES, measure_text

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
ASCENT, DESCENT = 0.75, 0.25  # of the font's size, above and below the baseline


@dataclass(frozen=True, slots=True)
class Box:
    """What a text or a shape covers at most."""

    name: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box") -> bool:
        """Return whether both cover a common area, beyond rounding."""
        return (
            min(self.right, other.right) - max(self.left, other.left) > 0.2
            and min(self.bottom, other.bottom) - max(self.top, other.top) > 0.2
        )

    def lies_in(self, width: float, height: float) -> bool:
        """Return whether nothing is outside of a drawing of this size."""
        inside = self.left >= -0.2 and self.right <= width + 0.2
        return inside and self.top >= -0.2 and self.bottom <= height + 0.2


def parse(chart: Element) -> ET.Element:
    """Return the chart's markup, parsed as XML."""
    return ET.fromstring(chart.__html__())  # noqa: S314 - our own markup


def list_drawings(chart: Element) -> list[ET.Element]:
    """Return the drawings of all layouts."""
    root = parse(chart)
    return [root] if root.tag == "svg" else list(root.iter("svg"))


def read_size(drawing: ET.Element) -> tuple[float, float]:
    """Return width and height of a drawing."""
    _, _, width, height = map(float, drawing.attrib["viewBox"].split())
    return width, height


def list_texts(drawing: ET.Element) -> list[Box]:
    """Return the boxes of all texts, as wide as they are estimated."""
    return [
        _box_text(element) for element in _walk(drawing, {}) if element[0] == "text"
    ]


def list_shapes(drawing: ET.Element) -> list[Box]:
    """Return the boxes of all shapes."""
    return [
        _box_points(tag, list(_list_points(tag, attributes)))
        for tag, attributes, _ in _walk(drawing, {})
        if tag in {"line", "rect", "circle", "path"}
    ]


def _walk(
    element: ET.Element, inherited: dict[str, str]
) -> Iterator[tuple[str, dict[str, str], str]]:
    for child in element:
        attributes = inherited | child.attrib
        yield child.tag, attributes, child.text or ""
        yield from _walk(child, attributes if child.tag == "g" else {})


def _box_text(element: tuple[str, dict[str, str], str]) -> Box:
    _, attributes, text = element
    kind = attributes["class"].split()[0].removeprefix("chart-")
    width, size = measure_text(text, kind), SIZES[kind]
    shift = {"start": 0.0, "middle": 0.5, "end": 1.0}
    left = (
        float(attributes["x"]) - width * shift[attributes.get("text-anchor", "start")]
    )
    y = float(attributes["y"])
    return Box(text, left, y - ASCENT * size, left + width, y + DESCENT * size)


def _list_points(tag: str, attributes: dict[str, str]) -> Iterator[tuple[float, float]]:
    if tag == "path":
        numbers = [float(text) for text in NUMBER.findall(attributes["d"])]
        if "h" not in attributes["d"]:
            yield from zip(numbers[::2], numbers[1::2], strict=True)
            return
        for start in range(0, len(numbers), 5):
            x, y, width, height, _ = numbers[start : start + 5]
            yield from ((x, y), (x + width, y + height))
        return
    names = {
        "line": ("x1", "y1", "x2", "y2"),
        "rect": ("x", "y", "width", "height"),
        "circle": ("cx", "cy", "r", "r"),
    }
    a, b, c, d = (float(attributes[name]) for name in names[tag])
    if tag == "line":
        yield from ((a, b), (c, d))
    elif tag == "rect":
        yield from ((a, b), (a + c, b + d))
    else:
        yield from ((a - c, b - c), (a + c, b + c))


def _box_points(name: str, points: list[tuple[float, float]]) -> Box:
    xs, ys = zip(*points, strict=True)
    return Box(name, min(xs), min(ys), max(xs), max(ys))
