"""A chart as it stands on a page: two drawings and the table of the same numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from levered_site.charts.element import Attribute, Element, build

# One drawing that scales would have texts of 5 px on a phone or of 30 px on a wide page. So
# each chart is laid out twice, and the style sheet shows the drawing that fits its place.
WIDTHS = {"narrow": 320, "wide": 560}
# Not `chart`: of an element with that class Unfold makes a canvas of Chart.js.
FRAME = "chart-frame"


@dataclass(frozen=True, slots=True)
class Heading:
    """What a chart is called; `prefix` is unique on its page and begins all its ids."""

    prefix: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The elements of one layout and how high it is."""

    height: float
    elements: Sequence[Element | None]


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of a chart, formatted; `note` says what the table leaves out."""

    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def build_figure(
    heading: Heading, draw: Callable[[int], Drawing], table: Table
) -> Element:
    """Return the chart in both layouts with its table, which unfolds."""
    drawings = (
        _build_drawing(heading, name, width, draw(width))
        for name, width in WIDTHS.items()
    )
    return build("figure", *drawings, _build_table(heading, table), class_=FRAME)


def build_sentence(heading: Heading, sentence: str) -> Element:
    """Return what stands in place of a chart that has nothing to show."""
    return build(
        "figure",
        build("p", sentence, class_="chart-empty"),
        class_=FRAME,
        aria_label=heading.title,
    )


def _build_drawing(
    heading: Heading, name: str, width: int, drawing: Drawing
) -> Element:
    title, description = (
        f"{heading.prefix}-{name}-title",
        f"{heading.prefix}-{name}-desc",
    )
    return build(
        "svg",
        build("title", heading.title, id=title),
        build("desc", heading.description, id=description),
        *_group_elements(drawing.elements),
        class_=f"chart-drawing chart-{name}",
        role="img",
        aria_labelledby=title,
        aria_describedby=description,
        viewBox=f"0 0 {width} {round(drawing.height)}",
        width=width,
        height=round(drawing.height),
    )


def _group_elements(elements: Sequence[Element | None]) -> list[Element]:
    """Return the elements; many neighbors of one class share a group that names it."""
    drawn = [element for element in elements if element is not None]
    grouped: list[Element] = []
    for key, group in groupby(drawn, key=_find_group):
        members = list(group)
        if key is None or len(members) < 3:
            grouped.extend(members)
            continue
        shared: dict[str, Attribute] = dict(key)
        bare = (
            Element(member.tag, _drop(member.attributes, shared), member.children)
            for member in members
        )
        grouped.append(Element("g", shared, tuple(bare)))
    return grouped


def _find_group(element: Element) -> tuple[tuple[str, str], ...] | None:
    if element.tag in {"line", "text"}:
        names: tuple[str, ...] = ("class", "text-anchor")
    elif "pointer-events" in element.attributes:
        names = ("fill", "pointer-events")
    else:
        return None
    return tuple(
        (name, str(element.attributes[name]))
        for name in names
        if name in element.attributes
    )


def _drop(
    attributes: dict[str, Attribute], shared: dict[str, Attribute]
) -> dict[str, Attribute]:
    return {name: value for name, value in attributes.items() if name not in shared}


def _build_table(heading: Heading, table: Table) -> Element:
    head = build("tr", *(build("th", text, scope="col") for text in table.headers))
    body = (
        build(
            "tr",
            build("th", row[0], scope="row"),
            *(build("td", text) for text in row[1:]),
        )
        for row in table.rows
    )
    note = build("p", table.note, class_="chart-caption") if table.note else None
    return build(
        "details",
        build("summary", f"Numbers: {heading.title}"),
        build(
            "div",
            build("table", build("thead", head), build("tbody", *body)),
            note,
            class_="chart-scroll",
            tabindex="0",
            role="region",
            aria_label=f"Numbers: {heading.title}",
        ),
        class_="chart-numbers",
    )
