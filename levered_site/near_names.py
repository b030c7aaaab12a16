"""The name that somebody may have meant. Pure."""

import difflib
from collections.abc import Iterable
from typing import Final

MAX_NAME_LENGTH: Final = 200
MIN_START_LENGTH: Final = 3  # of a name that stands for the field it begins
LIKE: Final = 0.6
SAME: Final = 1.0


def suggest_name(name: str, known: Iterable[str], likeness: float = LIKE) -> str:
    """Return `; did you mean "…"?` for the known name that is most like a name, else "".

    With `SAME` only case and blanks around the name may differ.
    """
    found = find_near_name(name, known, likeness)
    return "" if found is None else f'; did you mean "{found}"?'


def find_near_name(
    name: str, known: Iterable[str], likeness: float = LIKE
) -> str | None:
    """Return the known name that is most like a name, if any is as like as that."""
    by_folded = {_fold(each): each for each in known}
    matches = difflib.get_close_matches(
        _fold(name[:MAX_NAME_LENGTH]), by_folded, n=1, cutoff=likeness
    )
    return by_folded[matches[0]] if matches else None


def find_meant_field(
    name: str, known: Iterable[str], likeness: float = LIKE
) -> str | None:
    """Return the known field that is most like a name, or else the first it begins."""
    fields = list(known)
    near = find_near_name(name, fields, likeness)
    if near is not None:
        return near
    start = _fold(name[:MAX_NAME_LENGTH])
    if len(start) < MIN_START_LENGTH:
        return None
    return next((each for each in fields if each.startswith(start)), None)


def _fold(name: str) -> str:
    return name.strip().casefold()
