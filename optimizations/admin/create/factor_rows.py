"""The rows of factors and levels as typed, and the combinations that are excluded.

Every factor and every level has a key that stays while its text is edited. Exclusions name
keys, so they survive a change of a name or of a level.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

# The keys of a factor and of one of its levels.
Cell = tuple[str, str]
Exclusion = tuple[Cell, ...]

SECTIONS: Final = ("design", "context")
LEAST_LEVELS: Final[Mapping[str, int]] = {"design": 2, "context": 1}


@dataclass(frozen=True, slots=True)
class LevelRow:
    """A level as typed; an empty one is left out."""

    key: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class FactorRow:
    """A factor as typed. `dtype` is the API's."""

    key: str
    name: str = ""
    dtype: str = "str"
    levels: tuple[LevelRow, ...] = (LevelRow("1"), LevelRow("2"))

    def list_filled(self) -> list[LevelRow]:
        """Return the levels that are not empty."""
        return [level for level in self.levels if level.text]

    def is_empty(self) -> bool:
        """Return whether nothing was typed."""
        return not (self.name or self.list_filled())


@dataclass(frozen=True, slots=True)
class Factors:
    """The second step: the rows of both sections, and what is excluded."""

    design: tuple[FactorRow, ...] = (FactorRow("1"),)
    context: tuple[FactorRow, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    model_type: str = "cmab"

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> "Factors":
        """Return the answers that were stored as JSON."""
        return cls(
            design=tuple(map(_load_factor, stored["design"])),
            context=tuple(map(_load_factor, stored["context"])),
            exclusions=tuple(
                tuple((factor, level) for factor, level in exclusion)
                for exclusion in stored["exclusions"]
            ),
            model_type=stored["model_type"],
        )

    def list_rows(self) -> tuple[FactorRow, ...]:
        """Return the factors of both sections."""
        return self.design + self.context

    def list_filled(self, section: str) -> list[FactorRow]:
        """Return the factors of a section in which something was typed."""
        rows: tuple[FactorRow, ...] = getattr(self, section)
        return [row for row in rows if not row.is_empty()]


def _load_factor(stored: Mapping[str, Any]) -> FactorRow:
    levels = tuple(LevelRow(**level) for level in stored["levels"])
    return FactorRow(**{**stored, "levels": levels})


def format_exclusion(exclusion: Exclusion) -> str:
    """Return an exclusion as the value of a form field: `1.2_3.1`."""
    return "_".join(f"{factor}.{level}" for factor, level in exclusion)


def parse_exclusion(text: str) -> Exclusion | None:
    """Return the exclusion of a form field; None if it is none."""
    cells = [part.partition(".") for part in text.split("_")]
    if not all(factor and level for factor, _, level in cells):
        return None
    return tuple((factor, level) for factor, _, level in cells)


def keep_known(
    exclusions: Iterable[Exclusion], design: Iterable[FactorRow]
) -> tuple[Exclusion, ...]:
    """Return each exclusion once, without those that name what is not there any more."""
    order = [(row.key, level.key) for row in design for level in row.levels]
    kept = (
        tuple(cell for cell in order if cell in exclusion)
        for exclusion in exclusions
        if exclusion and set(exclusion) <= set(order)
    )
    return tuple(dict.fromkeys(kept))


def add_factor(factors: Factors, section: str) -> tuple[Factors, FactorRow]:
    """Return the answers with one more factor, and that factor."""
    row = FactorRow(_find_next_key(row.key for row in factors.list_rows()))
    if section == "design":
        return replace(factors, design=(*factors.design, row)), row
    return replace(factors, context=(*factors.context, row)), row


def remove_factor(factors: Factors, key: str) -> Factors:
    """Return the answers without a factor, and without the exclusions that name it."""
    design = tuple(row for row in factors.design if row.key != key)
    return replace(
        factors,
        design=design or (FactorRow(key),),
        context=tuple(row for row in factors.context if row.key != key),
        exclusions=keep_known(factors.exclusions, design),
    )


def add_level(factors: Factors, key: str) -> Factors:
    """Return the answers with one more level of a factor."""
    return _change_levels(
        factors,
        key,
        lambda levels: (*levels, LevelRow(_find_next_key(row.key for row in levels))),
    )


def remove_level(factors: Factors, key: str, level: str) -> Factors:
    """Return the answers without a level, and without the exclusions that name it."""
    changed = _change_levels(
        factors, key, lambda levels: tuple(row for row in levels if row.key != level)
    )
    return replace(changed, exclusions=keep_known(changed.exclusions, changed.design))


def put_first(factors: Factors, key: str, level: str) -> Factors:
    """Return the answers with a level in front: the first ones make the baseline."""
    return _change_levels(
        factors,
        key,
        lambda levels: tuple(sorted(levels, key=lambda row: row.key != level)),
    )


def _change_levels(factors: Factors, key: str, change: Any) -> Factors:
    def change_rows(rows: Iterable[FactorRow]) -> Iterator[FactorRow]:
        for row in rows:
            yield replace(row, levels=change(row.levels)) if row.key == key else row

    return replace(
        factors,
        design=tuple(change_rows(factors.design)),
        context=tuple(change_rows(factors.context)),
    )


def pad_levels(section: str, row: FactorRow) -> FactorRow:
    """Return a factor with as many inputs as a section's factors have levels at least."""
    levels = row.levels
    while len(levels) < LEAST_LEVELS[section]:
        levels = (*levels, LevelRow(_find_next_key(level.key for level in levels)))
    return replace(row, levels=levels)


def _find_next_key(keys: Iterable[str]) -> str:
    return str(max(map(int, keys), default=0) + 1)
