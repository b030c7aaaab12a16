"""The rows of factors as the page shows them: labels, and problems beside each input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from optimizations.admin.create import factor_rows
from optimizations.admin.create.factor_rows import FactorRow, Factors
from optimizations.admin.create.problems import Problem

LEVEL_KINDS: Final = (("str", "Text"), ("number", "Numbers"), ("bool", "true or false"))
Messages = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class LevelView:
    """An input of a level."""

    key: str
    text: str
    label: str
    is_first: bool
    problems: Sequence[str]


@dataclass(frozen=True, slots=True)
class FactorView:
    """The inputs of a factor."""

    key: str
    section: str
    title: str
    name: str
    dtype: str
    levels: Sequence[LevelView]
    name_problems: Sequence[str]
    dtype_problems: Sequence[str]
    level_problems: Sequence[str]


def group_messages(problems: Sequence[Problem]) -> dict[str, list[str]]:
    """Return the messages by the id of the element that they are about."""
    messages: dict[str, list[str]] = {}
    for problem in problems:
        if problem.place is not None:
            messages.setdefault(problem.place.field, []).append(problem.message)
    return messages


def build_factor_views(
    factors: Factors, section: str, messages: Messages
) -> list[FactorView]:
    """Return the factors of a section with as many level inputs as it takes."""
    rows: tuple[FactorRow, ...] = getattr(factors, section)
    return [
        _build_view(number, section, factor_rows.pad_levels(section, row), messages)
        for number, row in enumerate(rows, start=1)
    ]


def _build_view(
    number: int, section: str, row: FactorRow, messages: Messages
) -> FactorView:
    kind = "Design" if section == "design" else "Context"
    name = row.name or f"{kind.lower()} factor {number}"
    levels = [
        LevelView(
            level.key,
            level.text,
            label=f"Level {position} of {name}",
            is_first=position == 1,
            problems=messages.get(f"level-{row.key}-{level.key}", ()),
        )
        for position, level in enumerate(row.levels, start=1)
    ]
    own = messages.get(f"factor-{row.key}", ())
    return FactorView(
        key=row.key,
        section=section,
        title=f"{kind} factor {number}",
        name=row.name,
        dtype=row.dtype,
        levels=levels,
        name_problems=messages.get(f"name-{row.key}", ()),
        dtype_problems=messages.get(f"dtype-{row.key}", ()),
        level_problems=[*messages.get(f"levels-{row.key}", ()), *own],
    )
