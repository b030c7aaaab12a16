"""Sections of an answer that have rows, and how they become a table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from levered_site.api import csv_columns, csv_reasons
from levered_site.api.csv_columns import REASONS_FIELD, Column, InnerRows
from levered_site.api.csv_reasons import WithheldFigure
from levered_site.api.csv_tables import CsvTable, fill_columns

Document: TypeAlias = Mapping[str, Any]
Row: TypeAlias = Mapping[str, Any]
Place: TypeAlias = tuple[int, ...]

# What an answer says of all its rows.
HEALTH_FIELD = "health"
READING_FIELDS = ("as_of", "notes")
# Fields of an answer that is one row, which these columns have.
OWN_READING_FIELDS = frozenset({HEALTH_FIELD, *READING_FIELDS})


class CsvSection(Protocol):
    """Rows of an answer under a name, as the query parameter `section` has it."""

    @property
    def name(self) -> str: ...
    @property
    def reading(self) -> str: ...
    def list_names(self) -> list[str]:
        """Return the names of the columns that every answer has."""

    def build_table(self, document: Document) -> CsvTable:
        """Return the rows of an answer, which is JSON that was read."""


@dataclass(frozen=True, slots=True)
class RowSection:
    """Rows of one type, at one place of the answer.

    Attributes
    ----------
    name: of the section, and the path of its rows unless `path` says another.
    row_type: a dataclass, TypedDict or serializer.
    path: where the rows stand, dotted; "" if the answer itself is the only row.
    inner: the list in each row that has the rows.
    levels: fields whose keys are factors, with a column for each, by dotted names.
    reading: path of the part of the answer that the rows belong to.
    judged: path of what has the health, where that part has none itself.
    build: makes the rows of that part, where they stand nowhere as they are wanted.

    """

    name: str
    row_type: Any
    path: str | None = None
    inner: InnerRows | None = None
    levels: frozenset[str] = frozenset()
    reading: str = ""
    judged: str = ""
    build: Callable[[Document], Sequence[Row]] | None = None

    def build_table(self, document: Document) -> CsvTable:
        """Return the rows, and what the answer says of them."""
        part = find_part(document, self.reading)
        return CsvTable(
            *fill_columns(self._choose_columns(part), self._list_rows(part)),
            readings=self._find_readings(part, document),
            withheld=part.get(REASONS_FIELD, {}).get(self._path),
        )

    def _find_readings(self, part: Document, document: Document) -> dict[str, Any]:
        judged = find_part(part, self.judged) or {}
        return dict(_list_readings({**document, **part, **judged}))

    @property
    def _path(self) -> str:
        return self.name if self.path is None else self.path

    def list_names(self) -> list[str]:
        """Return the names of the columns; `*` stands for the names of factors."""
        return [
            f"{column.name}.*" if column.kind == "levels" else column.name
            for column in self.list_columns()
        ]

    def list_columns(self) -> tuple[Column, ...]:
        """Return the columns that the type has."""
        columns = csv_columns.list_columns(self.row_type, self.inner, self.levels)
        if self._path:
            return columns
        return tuple(each for each in columns if each.path[0] not in OWN_READING_FIELDS)

    def _choose_columns(self, part: Document) -> tuple[Column, ...]:
        """Return the columns, with one for the reasons that the answer has of rows."""
        columns = self.list_columns()
        own = (REASONS_FIELD,)
        has_own = any(column.path == own for column in columns)
        if has_own or self.build is not None or REASONS_FIELD not in part:
            return columns
        return (*columns, Column(own, "reasons"))

    def _list_rows(self, part: Document) -> list[Row]:
        if self.build is not None:
            return list(self.build(part))
        if not self._path:
            return [part]
        value = find_part(part, self._path) or []
        entries = [value] if isinstance(value, Mapping) else value
        placed = self._iterate_rows(entries)
        reasons = part.get(REASONS_FIELD, {})
        withheld = csv_reasons.list_withheld(reasons, self._path)
        of_all = {self._path: reasons[self._path]} if self._path in reasons else {}
        if not withheld and not of_all:
            return [row for _, row in placed]
        return list(_add_reasons(placed, withheld, of_all))

    def _iterate_rows(self, entries: Sequence[Row]) -> Iterator[tuple[Place, Row]]:
        for index, entry in enumerate(entries):
            if self.inner is None:
                yield (index,), entry
                continue
            name, key = self.inner.field, self.inner.key
            inner = entry.get(name) or []
            listed = inner if isinstance(inner, list) else _list_keyed(inner, key)
            for inner_index, row in enumerate(listed):
                yield (index, inner_index), {**entry, name: row}


@dataclass(frozen=True, slots=True)
class QueryRowsSection:
    """Rows of a query, with the columns that the query has."""

    name: str = "rows"
    reading: str = ""

    def list_names(self) -> list[str]:
        """Return none: they are those of the query."""
        return []

    def build_table(self, document: Document) -> CsvTable:
        """Return the rows under the names of their columns."""
        return CsvTable(document["columns"], document["rows"])


def find_part(document: Document, path: str) -> Any:
    """Return a part of an answer by its dotted path."""
    part: Any = document
    for name in path.split(".") if path else ():
        part = part[name] if isinstance(part, Mapping) else None
    return part


def _list_readings(document: Document) -> Iterator[tuple[str, Any]]:
    """Yield what an answer says of all its rows."""
    if health := document.get(HEALTH_FIELD):
        yield HEALTH_FIELD, health["status"]
        yield "health_reasons", [reason["code"] for reason in health["reasons"]]
    for name in READING_FIELDS:
        if name in document:
            yield name, document[name]


def _list_keyed(entries: Mapping[str, Row], key: str) -> list[Row]:
    return [{key: name, **entry} for name, entry in entries.items()]


def _add_reasons(
    placed: Iterator[tuple[Place, Row]],
    withheld: Sequence[WithheldFigure],
    of_all: Mapping[str, str],
) -> Iterator[Row]:
    """Yield rows with the reasons that the answer has of their figures."""
    for place, row in placed:
        if REASONS_FIELD in row:
            yield row
            continue
        own = {each.name: each.reason for each in withheld if each.is_in(row, place)}
        yield {**row, REASONS_FIELD: {**own, **of_all}}
