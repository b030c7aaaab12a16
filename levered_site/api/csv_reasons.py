"""Why figures are withheld: the reasons of an answer, as its rows have them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_INDEX = re.compile(r"\[(\d+)\]")
_END = re.compile(r"\[([01])\]\Z")
_END_NAMES = {"0": "_lo", "1": "_hi"}


@dataclass(frozen=True, slots=True)
class WithheldFigure:
    """A figure of rows that is null.

    Attributes
    ----------
    name: its dotted name in the row, with `[0]` or `[1]` for one end of an interval.
    path: its dotted name without that.
    indexes: of the lists that it is in, by their depth; none if any row may lack it.
    is_end: whether it is one end of an interval.

    """

    name: str
    path: tuple[str, ...]
    indexes: Mapping[int, int]
    reason: str
    is_end: bool

    def is_in(self, row: Mapping[str, Any], place: tuple[int, ...]) -> bool:
        """Return whether the row at this place lacks the figure."""
        for depth, index in self.indexes.items():
            # A list within a row that has no rows of its own is one cell.
            if depth < len(place) and place[depth] != index:
                return False
        is_certain = self.is_end or bool(self.indexes)
        return is_certain or find_value(row, self.path) is None


def find_value(row: Mapping[str, Any], path: Iterable[str]) -> Any:
    """Return the value at a path of a row; None where there is none."""
    value: Any = row
    for name in path:
        # What JSON has are dicts, which are asked faster than any mapping.
        value = value.get(name) if isinstance(value, dict) else None
    return value


def list_withheld(reasons: Mapping[str, str], path: str) -> list[WithheldFigure]:
    """Return the figures of the rows at a path; reasons name them in full."""
    listed = (_read_name(name, path, reason) for name, reason in reasons.items())
    return [each for each in listed if each is not None]


def _read_name(full_name: str, path: str, reason: str) -> WithheldFigure | None:
    steps = full_name.split(".")
    rows_end = path.count(".") + 1
    names = [_INDEX.sub("", step) for step in steps]
    if names[:rows_end] != path.split(".") or len(steps) == rows_end:
        return None
    indexes = {
        depth: int(match[1])
        for depth, step in enumerate(steps[rows_end - 1 : -1])
        if (match := _INDEX.search(step))
    }
    own = names[rows_end:]
    end = _END.search(steps[-1])
    name = ".".join(own) + (end[0] if end else "")
    return WithheldFigure(name, tuple(own), indexes, reason, is_end=end is not None)


def join_reasons(reasons: Iterable[tuple[str, str]]) -> list[str]:
    """Return figures with their reason, those that share one together."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons:
        column = _END.sub(lambda match: _END_NAMES[match[1]], name)
        names.setdefault(reason, []).append(column)
    return [f"{', '.join(columns)}: {reason}" for reason, columns in names.items()]
