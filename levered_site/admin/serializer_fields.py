"""Form fields made of the fields of the API's serializers, which alone judge the values."""

from functools import reduce
from typing import Any, Final

from rest_framework import serializers
from unfold.widgets import UnfoldAdminSelectWidget

from levered_site.admin.body_fields import (
    BodyBooleanField,
    BodyChoiceField,
    BodyChoicesField,
    BodyLinesField,
    BodyMomentField,
    BodyNumberField,
    BodyTextField,
    ChoicesWidget,
)

Serializer = type[serializers.BaseSerializer[Any]]
FIELD_TYPES: Final[tuple[tuple[type[Any], type[Any]], ...]] = (
    (serializers.BooleanField, BodyBooleanField),
    (serializers.IntegerField, BodyNumberField),
    (serializers.FloatField, BodyNumberField),
    (serializers.DateTimeField, BodyMomentField),
    (serializers.ListField, BodyLinesField),
)


def make_field(serializer_class: Serializer, path: str, **options: Any) -> Any:
    """Return the form field for a field of a serializer, given by its dotted path.

    Label and help text are the serializer's where `options` give none.
    """
    source = find_serializer_field(serializer_class, path)
    if source.label:
        options.setdefault("label", source.label)
    options.setdefault("help_text", source.help_text or "")
    options.setdefault("required", source.required)
    field = _build_field(source, options)
    field.api_path = path
    if source.allow_null:
        field.empty_value = None
    return field


def _build_field(source: Any, options: dict[str, Any]) -> Any:
    if isinstance(source, serializers.ChoiceField):
        given = options.pop("choices", source.choices.items())
        widget: Any = UnfoldAdminSelectWidget(choices=list(given))
        return BodyChoiceField(widget=widget, **options)
    if isinstance(source, serializers.ListField) and hasattr(source.child, "choices"):
        given = options.pop("choices", source.child.choices.items())
        widget = ChoicesWidget(choices=list(given))
        widget.title = str(options.get("label", ""))
        return BodyChoicesField(widget=widget, **options)
    field_types = (
        form_type
        for serializer_type, form_type in FIELD_TYPES
        if isinstance(source, serializer_type)
    )
    return next(field_types, BodyTextField)(**options)


def find_serializer_field(serializer_class: Serializer, path: str) -> Any:
    """Return a field of a serializer by its dotted path."""
    serializer: Any = serializer_class()
    return reduce(lambda parent, name: parent.fields[name], path.split("."), serializer)
