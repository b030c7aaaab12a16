"""Forms that write only what their user changed, and show the error of a failed save.

The object may change while a form is open: through the API, or in another tab. So a form
carries the values that it showed. A field that comes back as it was shown keeps the value
that is stored by now. A field that was changed on both sides is refused.
"""

import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model
from django.http import QueryDict

from levered_site.errors import FieldProblem, LeveredError

SHOWN_VALUES_FIELD: Final = "shown_values"
MAX_VALUE_LENGTH: Final = 80  # of a value in a message
CHANGED_MESSAGE: Final = (
    "Changed meanwhile by somebody else, from {shown} to {stored}. Nothing was saved. "
    "Reload the page to see the new value."
)
UNKNOWN_MESSAGE: Final = (
    "This form does not say what it showed: reload the page and change it again. "
    "Nothing was saved."
)
FIXED_MESSAGE: Final = (
    "{name} cannot be changed any more, because the object changed meanwhile. Nothing "
    "was saved. Reload the page."
)

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm  # generic for the type checker only


class ConcurrentEditForm(ModelForm):
    """A change form that leaves alone what its user did not change.

    Its page must hold `shown_values_text` in a hidden input named SHOWN_VALUES_FIELD. A
    form that comes back without the value that each of its fields showed is refused.
    """

    @property
    def is_new(self) -> bool:
        """Whether the form is of an object that is not stored yet."""
        return bool(self.instance._state.adding)  # noqa: SLF001 - documented by Django

    @cached_property
    def stored_values(self) -> dict[str, Any]:
        """The stored value of each field that may be changed, as JSON values."""
        return {
            name: _to_json(self.get_initial_for_field(field, name))
            for name, field in self.fields.items()
            # A disabled field may hold what no page shows, such as a password's hash.
            if not field.disabled
        }

    @cached_property
    def shown_values(self) -> dict[str, Any]:
        """The values that the form showed when it was opened."""
        if not self.is_bound:
            return self.stored_values
        try:
            shown = json.loads(self.data.get(SHOWN_VALUES_FIELD, ""))
        except (ValueError, RecursionError):
            return {}
        return shown if isinstance(shown, dict) else {}

    @property
    def shown_values_text(self) -> str:
        """The text for the hidden input."""
        return json.dumps(self.shown_values)

    @cached_property
    def untouched_names(self) -> frozenset[str]:
        """The fields that came back as they were shown."""
        if not self.is_bound:
            return frozenset()
        return frozenset(
            name
            for name in self.stored_values.keys() & self.shown_values.keys()
            if _is_same(self.fields[name], self.shown_values[name], self[name].data)
        )

    @cached_property
    def changed_data(self) -> list[str]:
        """The fields whose values differ from the stored ones because the user did it."""
        names = super().changed_data
        return [name for name in names if name not in self.untouched_names]

    def full_clean(self) -> None:
        """Validate the form; an untouched field has the stored value."""
        untouched = [self.fields[name] for name in self.untouched_names]
        for field in untouched:
            field.disabled = True  # Django takes the initial value then
        try:
            super().full_clean()
        finally:
            for field in untouched:
                field.disabled = False

    def clean(self) -> dict[str, Any] | None:
        """Refuse each field that somebody else changed, too."""
        cleaned = super().clean()
        if self._lacks_shown_values():
            # An old form would put every old value back.
            self.add_error(None, UNKNOWN_MESSAGE)
            return cleaned
        for name in self.changed_data:
            if name not in self.shown_values or name not in self.stored_values:
                continue
            shown, stored = self.shown_values[name], self.stored_values[name]
            if shown != stored:
                self.add_error(
                    name,
                    CHANGED_MESSAGE.format(
                        shown=_format(shown), stored=_format(stored)
                    ),
                )
        for name in self._list_fixed_names():
            self.add_error(None, FIXED_MESSAGE.format(name=name))
        return cleaned

    def _lacks_shown_values(self) -> bool:
        """Return whether a change form does not say what each of its fields showed."""
        if self.is_new:  # its form has shown nothing
            return False
        return not self.stored_values.keys() <= self.shown_values.keys()

    def _list_fixed_names(self) -> list[str]:
        """Return what the user changed in fields that are read-only by now."""
        names = self.shown_values.keys() - self.fields.keys()
        return sorted(
            name
            for name in names.intersection(self.data)
            if _list_texts(self._get_sent(name)) != _list_texts(self.shown_values[name])
        )

    def _get_sent(self, name: str) -> list[object]:
        """Return what the request holds under a name that is no field of the form."""
        if isinstance(self.data, QueryDict):
            return list(self.data.getlist(name))
        return [self.data[name]]


class AdminEditForm(ConcurrentEditForm):
    """A form that shows the error of a failed save beside the field it names."""

    save_error: LeveredError | None = None

    def full_clean(self) -> None:
        """Validate the form; its first field with an error gets the focus."""
        super().full_clean()
        name = next((each for each in self.fields if each in self.errors), None)
        if name is not None:
            self.fields[name].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any] | None:
        """Add the error of a failed save to the form's own errors."""
        cleaned = super().clean()
        if self.save_error is not None:
            self.add_failure(self.save_error)
        return cleaned

    def add_failure(self, error: LeveredError) -> None:
        """Show what the API refused: each problem beside its field, or the message."""
        for problem in error.details:
            self.add_problem(problem)
        if not error.details:
            self.add_error(None, error.message)

    def add_problem(self, problem: FieldProblem) -> None:
        """Show a problem of the API beside its field, or above all of them."""
        name = self.find_field(problem.field)
        if name is None:
            self.add_error(None, f"{problem.field}: {problem.message}")
        else:
            self.add_error(name, self.describe_problem(name, problem))

    def describe_problem(self, _name: str, problem: FieldProblem) -> str:
        """Return the message of a problem beside its field."""
        return problem.message

    def find_field(self, path: str) -> str | None:
        """Return the form field for a dotted path of the API; None if there is none."""
        name = re.split(r"[.\[]", path, maxsplit=1)[0]
        for candidate in (name, name.removesuffix("_id"), name.replace("_ids", "s")):
            if candidate in self.fields:
                return candidate
        return None


def _to_json(value: Any) -> Any:
    """Return an initial value as it comes back from JSON; rows as their keys, sorted."""
    if isinstance(value, list | tuple) and all(isinstance(row, Model) for row in value):
        return sorted(str(row.pk) for row in value)
    if isinstance(value, Model):
        return str(value.pk)
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder))


def _is_same(field: forms.Field, shown: Any, data: Any) -> bool:
    """Return whether data of a field is what the field showed.

    Browsers send line ends of their own, and the fields cut off white space.
    """
    if isinstance(shown, str) and isinstance(data, str):
        return _normalize_text(shown) == _normalize_text(data)
    return not field.has_changed(shown, data)


def _list_texts(shown: Any) -> list[str]:
    """Return a shown value as a form sends it."""
    values = shown if isinstance(shown, list) else [shown]
    return sorted("" if value is None else str(value) for value in values)


def _normalize_text(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _format(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    is_long = len(text) > MAX_VALUE_LENGTH
    return f"“{text[:MAX_VALUE_LENGTH]}{'…' if is_long else ''}”"
