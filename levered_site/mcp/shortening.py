"""Shorten an answer that is too long: details first, what it says of itself last."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from levered_site.mcp.response_size import MAX_RESULT_BYTES, fits_in_result
from levered_site.mcp.rest_api import Json

# The lists that answers are pages of.
PAGED_NAMES = ("items", "probabilities")
# What an answer is made for. Its texts and lists are cut last, when nothing else is left.
PROTECTED_NAMES = frozenset({"summary", "next", "health", "reasons"})
# A dictionary with more keys, or with a key that is no name, is keyed by data: it is a
# list of rows. Others are objects, whose keys a reader relies on.
MAX_OBJECT_KEYS = 60
MAX_SHOWN_OMISSIONS = 4
MAX_PATH_LENGTH = 80
UNLIMITED = 1_000_000_000
SHORTENED_NOTE = "shortened to fit: ask for a detail or a page of it"
# What is limited one after the other, and how far, until the answer fits. Afterwards each
# limit rises again as far as the others allow, what matters most first.
STEPS = (
    *(("text", 200), ("rows", 3), ("values", 10), ("digits", 6), ("rows", 1)),
    *(("text", 80), ("entries", 10), ("rows", 0), ("digits", 4), ("text", 30)),
    *(("entries", 3), ("entries", 0), ("protected_rows", 1), ("protected_text", 200)),
    *(("protected_rows", 0), ("protected_text", 80), ("values", 0), ("text", 0)),
    *(("keys", 1), ("keys", 0)),
)
FULL_DIGITS = 17


@dataclass(frozen=True, slots=True)
class Omission:
    """How many entries of a list, or of all lists of one path, an answer shows."""

    shown: int
    total: int


@dataclass(slots=True)
class _Shortener:
    """Shortens a document to limits, and counts what it leaves out by path."""

    limits: Mapping[str, int]
    # The list that the answer is a page of: a row that it left out would be on no page.
    page: str | None = None
    omissions: dict[str, Omission] = field(default_factory=dict)

    def shorten(self, value: Any, path: str = "", *, is_protected: bool = False) -> Any:
        if isinstance(value, str):
            limit = self._get_limit("text", is_protected=is_protected)
            return cut_text(value, limit)
        if isinstance(value, float):
            return _round_number(value, self.limits["digits"])
        if isinstance(value, list):
            return self._shorten_list(value, path, is_protected=is_protected)
        if isinstance(value, dict):
            return self._shorten_dict(value, path, is_protected=is_protected)
        return value

    def _get_limit(self, name: str, *, is_protected: bool) -> int:
        return self.limits[f"protected_{name}" if is_protected else name]

    def _shorten_list(
        self, items: list[Any], path: str, *, is_protected: bool
    ) -> list[Any]:
        is_rows = any(isinstance(item, dict | list) for item in items)
        # An interval is a list of values, too: half of one would be wrong.
        limit = (
            self._get_limit("rows", is_protected=is_protected)
            if is_rows
            else self.limits["values"]
        )
        limit = max(limit, len(items)) if path == self.page else limit
        self._count(path, limit, len(items))
        return [
            self.shorten(item, f"{path}[]", is_protected=is_protected)
            for item in items[:limit]
        ]

    def _shorten_dict(self, value: Json, path: str, *, is_protected: bool) -> Json:
        limit = self.limits["keys"]
        if path and _is_keyed_by_data(value):
            limit = min(limit, self.limits["entries"])
        self._count(path, limit, len(value))
        return {
            key: self.shorten(
                item,
                f"{path}.{key}" if path else key,
                is_protected=is_protected or key in PROTECTED_NAMES,
            )
            for key, item in list(value.items())[:limit]
        }

    def _count(self, path: str, limit: int, total: int) -> None:
        before = self.omissions.get(path, Omission(0, 0))
        shown = before.shown + min(limit, total)
        self.omissions[path] = Omission(shown, before.total + total)


def shorten_to_fit(document: Json) -> Json:
    """Return the document if a tool result may carry it, otherwise the document shortened.

    Long texts and lists lose what is needed and no more; objects keep their keys, and
    summary, health, reasons and next steps stay whole unless they alone are too long. A
    text that was cut gives its length, `note` what lists have lost. A page keeps its
    rows, whose texts are cut instead.
    """
    if fits_in_result(document):
        return document
    limits = dict.fromkeys((name for name, _ in STEPS), UNLIMITED)
    for name, floor in STEPS:
        limits[name] = floor
        if fits_in_result(_apply_limits(document, limits)):
            break
    for name in reversed(limits):
        limits[name] = _raise_limit(document, limits, name)
    return _apply_limits(document, limits)


def _raise_limit(document: Json, limits: Mapping[str, int], name: str) -> int:
    """Return the highest limit of this name with which the document fits."""
    low, high = limits[name], max(limits[name], MAX_RESULT_BYTES)
    while low < high:
        middle = (low + high + 1) // 2
        if fits_in_result(_apply_limits(document, {**limits, name: middle})):
            low = middle
        else:
            high = middle - 1
    return low


def _apply_limits(document: Json, limits: Mapping[str, int]) -> Json:
    shortener = _Shortener(limits, _find_page(document))
    shortened: Json = shortener.shorten(document)
    parts = [SHORTENED_NOTE, *_describe_omissions(shortener.omissions)]
    if limits["digits"] < FULL_DIGITS:
        parts.append(f"numbers have {limits['digits']} digits")
    return shortened | {"note": "; ".join(parts)}


def _describe_omissions(omissions: Mapping[str, Omission]) -> Iterator[str]:
    """Yield what is left out, the lists that lost most first."""
    incomplete = {
        path: omission
        for path, omission in omissions.items()
        if omission.shown < omission.total
    }
    most_first = sorted(
        incomplete.items(), key=lambda item: item[1].shown - item[1].total
    )
    for path, omission in most_first[:MAX_SHOWN_OMISSIONS]:
        name = path[-MAX_PATH_LENGTH:] or "the answer"
        yield f"{name} has {omission.shown:,} of {omission.total:,}"
    if len(most_first) > MAX_SHOWN_OMISSIONS:
        rest = most_first[MAX_SHOWN_OMISSIONS:]
        left_out = sum(omission.total - omission.shown for _, omission in rest)
        yield f"{left_out:,} more are left out of {len(rest)} other lists"


def _find_page(document: Json) -> str | None:
    """Return the name of the list that a document of `paginate_rows` is a page of."""
    if "next_cursor" not in document:
        return None
    return next((name for name in PAGED_NAMES if name in document), None)


def _is_keyed_by_data(value: Json) -> bool:
    return len(value) > MAX_OBJECT_KEYS or not all(
        key.isascii() and key.isidentifier() for key in value
    )


def _round_number(value: float, digits: int) -> float:
    return value if digits >= FULL_DIGITS else float(f"{value:.{digits}g}")


def cut_text(text: str, max_length: int) -> str:
    """Return the text, or its start and the number of characters of the whole."""
    cut = f"{text[:max_length]}… ({len(text):,} characters)"
    return cut if len(cut) < len(text) else text
