"""SVG and HTML elements: the one place that escapes texts and checks attributes."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from xml.sax.saxutils import escape, quoteattr

Attribute = str | int | float

SHAPES = frozenset({"circle", "line", "path", "rect"})
TAGS = SHAPES | {
    *("svg", "g", "text", "title", "desc", "figure", "details", "summary", "p", "div"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTE_NAME = re.compile(r"[a-zA-Z][a-zA-Z-]*\d?")
# XML has no way to write these, not even escaped.
UNWRITABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Element:
    """An element with its attributes and children; texts are plain, not escaped."""

    tag: str
    attributes: dict[str, Attribute]
    children: tuple["Element | str", ...]

    def __html__(self) -> str:
        """Return the markup, which Django's `format_html` inserts as it is."""
        parts: list[str] = []
        _write(self, parts)
        return "".join(parts)


def build(
    tag: str, *children: "Element | str | None", **attributes: Attribute | None
) -> Element:
    """Return an element. `class_` is written `class`, `text_anchor` is `text-anchor`.

    Children and attributes that are None are left out. Raises ValueError for a tag that
    no chart uses, for `style` and event handlers (a Content-Security-Policy may forbid
    them), and for numbers that are not finite.
    """
    if tag not in TAGS:
        raise ValueError(f"Charts have no element `{tag}`.")
    named = {
        name.rstrip("_").replace("_", "-"): value
        for name, value in attributes.items()
        if value is not None
    }
    for name, value in named.items():
        _check_attribute(name, value)
    return Element(tag, named, tuple(child for child in children if child is not None))


def _check_attribute(name: str, value: Attribute) -> None:
    _check_name(name)
    if not isinstance(value, str) and not math.isfinite(value):
        raise ValueError(f"The attribute `{name}` must be finite; got {value}.")


@lru_cache(maxsize=256)
def _check_name(name: str) -> None:
    if not ATTRIBUTE_NAME.fullmatch(name):
        raise ValueError(f"`{name}` is not the name of an attribute.")
    if name == "style" or name.lower().startswith("on"):
        raise ValueError(f"Charts use classes, not the attribute `{name}`.")


def format_number(value: float) -> str:
    """Return a coordinate with at most one decimal, which is a tenth of a pixel."""
    text = f"{value:.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


def _write(element: Element, parts: list[str]) -> None:
    parts.append(f"<{element.tag}")
    for name, value in element.attributes.items():
        text = quoteattr(clean_text(value)) if isinstance(value, str) else _quote(value)
        parts.append(f" {name}={text}")
    if not element.children and element.tag in SHAPES:
        parts.append("/>")
        return
    parts.append(">")
    for child in element.children:
        if isinstance(child, Element):
            _write(child, parts)
        else:
            parts.append(escape(clean_text(child)))
    parts.append(f"</{element.tag}>")


def _quote(number: float) -> str:
    return f'"{format_number(number)}"'


def clean_text(text: str) -> str:
    """Return the text as it is written: without characters that XML cannot hold."""
    return UNWRITABLE.sub(REPLACEMENT, text)
