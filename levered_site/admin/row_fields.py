"""A form field for a list of objects: a table with a row of inputs for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.core.validators import EMPTY_VALUES
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from typing_extensions import override

from levered_site.admin.body_fields import parse_number

ROWS_TEMPLATE: Final = "levered_admin/rows_widget.html"
SPARE_ROWS: Final = 1  # empty ones below the rows that there are


@dataclass(frozen=True, slots=True)
class RowColumn:
    """An input of each row: its key in the row, its title, and whether it is a number."""

    key: str
    title: str
    is_number: bool = False
    hint: str = ""


class RowsWidget(forms.Widget):
    """A table of text inputs with one row for each object of a list.

    The inputs of a column share a name, so a browser may add and remove rows.
    """

    use_fieldset = True

    def __init__(self, columns: Sequence[RowColumn], item: str) -> None:
        super().__init__()
        self.columns, self.item = columns, item

    @override
    def value_from_datadict(
        self, data: Mapping[str, Any], files: object, name: str
    ) -> list[dict[str, str]]:
        """Return the rows that are not empty, as texts."""
        texts = [self._list_texts(data, f"{name}-{each.key}") for each in self.columns]
        keys = [column.key for column in self.columns]
        rows = [dict(zip(keys, row, strict=True)) for row in zip(*texts, strict=False)]
        return [row for row in rows if any(text.strip() for text in row.values())]

    @override
    def value_omitted_from_data(
        self, data: Mapping[str, Any], files: object, name: str
    ) -> bool:
        return not any(f"{name}-{column.key}" in data for column in self.columns)

    def _list_texts(self, data: Mapping[str, Any], name: str) -> list[str]:
        if isinstance(data, QueryDict):
            return [str(text) for text in data.getlist(name)]
        return list(data.get(name, ()))

    @override
    def render(
        self, name: str, value: Any, attrs: Any = None, renderer: Any = None
    ) -> SafeString:
        rows = [*(value or []), *({} for _ in range(SPARE_ROWS))]
        attributes = attrs or {}
        cells = [
            [(column, _format_cell(row.get(column.key, ""))) for column in self.columns]
            for row in rows
        ]
        context = {
            "name": name,
            "columns": self.columns,
            "rows": cells,
            "item": self.item,
            "id": attributes.get("id", ""),
            "described_by": attributes.get("aria-describedby", ""),
        }
        return render_to_string(ROWS_TEMPLATE, context)

    @override
    def id_for_label(self, id_: str) -> str:
        """Return nothing: the table is a group, which no label belongs to."""
        return ""


class BodyRowsField(forms.Field):
    """A list of objects, each a row of inputs."""

    api_path = ""
    empty_value: Any = None

    def __init__(
        self, columns: Sequence[RowColumn], *, item: str, **options: Any
    ) -> None:
        self.columns = columns
        super().__init__(widget=RowsWidget(columns, item), **options)

    @override
    def to_python(self, value: Any) -> list[dict[str, Any]]:
        """Return the rows with numbers where the columns hold some, without empty cells."""
        return [self._read_row(row) for row in value or []]

    def _read_row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        read = {
            column.key: parse_number(row[column.key])
            if column.is_number
            else _strip(row[column.key])
            for column in self.columns
            if column.key in row
        }
        return {key: value for key, value in read.items() if value not in EMPTY_VALUES}

    @override
    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(initial) != self.to_python(data)


def _format_cell(value: Any) -> Any:
    """Return a whole number without a fraction, anything else unchanged."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _strip(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value
