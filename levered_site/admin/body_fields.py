"""Form fields that read what a browser sends as values of a body of the API.

What a field cannot read it passes on as the text that it is, so that the API words the
error. `api_path` is where the value stands in the body, `empty_value` what an empty field
sends in a change.
"""

import re
from typing import Any, Final

from django import forms
from django.core.validators import EMPTY_VALUES
from typing_extensions import override
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

NUMBER: Final = re.compile(
    r"[+-]?(\d{1,400}\.?\d{0,400}|\.\d{1,400})([eE][+-]?\d{1,4})?"
)

# Not 12,500: which of two numbers it is nobody can tell.
DECIMAL_COMMA: Final = re.compile(r"[+-]?\d{1,400},(?:\d{1,2}|\d{4,400})", re.ASCII)


def parse_number(value: Any) -> Any:
    """Return a text as a number if it is one, anything else unchanged."""
    if not isinstance(value, str) or not NUMBER.fullmatch(value.strip()):
        return value
    try:
        return int(value)
    except ValueError:
        return float(value)


class BodyTextField(forms.CharField):
    """A text."""

    api_path = ""
    widget = UnfoldAdminTextInputWidget


class BodyChoiceField(BodyTextField):
    """One of several texts."""

    widget = UnfoldAdminSelectWidget


class BodyNumberField(forms.Field):
    """A number, or the text that is none."""

    api_path = ""
    empty_value: Any = None
    widget = UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})

    @override
    def to_python(self, value: Any) -> Any:
        return None if value in EMPTY_VALUES else parse_number(value)

    @override
    def validate(self, value: Any) -> None:
        """Raise ValidationError if a number has a comma where the point belongs."""
        super().validate(value)
        if isinstance(value, str) and DECIMAL_COMMA.fullmatch(value.strip()):
            number = value.strip().replace(",", ".")
            raise forms.ValidationError(f"Write a point, not a comma: {number}.")

    @override
    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare the numbers, not the texts."""
        return bool(self.to_python(initial) != self.to_python(data))


class BodyBooleanField(forms.BooleanField):
    """Yes or no."""

    api_path = ""
    empty_value = False
    widget = UnfoldBooleanWidget


class ChoicesWidget(UnfoldAdminCheckboxSelectMultipleWidget):
    """A titled group of checkboxes, whose labels break on narrow screens."""

    template_name = "levered_admin/choices.html"
    option_template_name = "levered_admin/choice_option.html"
    title = ""

    @override
    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return {**super().get_context(name, value, attrs), "title": self.title}


class BodyChoicesField(forms.Field):
    """A list of some of several texts, each a checkbox."""

    api_path = ""
    empty_value: Any = []

    def to_python(self, value: Any) -> list[str]:
        """Return the ticked texts."""
        return list(value or [])

    @override
    def has_changed(self, initial: Any, data: Any) -> bool:
        return set(initial or []) != set(data or [])


class MomentInput(UnfoldAdminTextInputWidget):
    """A date and a time, as browsers offer them."""

    input_type = "datetime-local"


class BodyMomentField(BodyTextField):
    """A time in UTC."""

    widget = MomentInput


class BodyLinesField(forms.CharField):
    """A list of texts, one a line."""

    api_path = ""
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.empty_value: Any = []

    @override
    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    @override
    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):
            return value
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    @override
    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool((initial or []) != self.to_python(data))

    @override
    def run_validators(self, value: Any) -> None:
        """Do nothing: those of a text do not fit a list."""
