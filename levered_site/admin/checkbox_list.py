"""A field of several related objects as a list of checkboxes, for any width.

Django's pair of boxes needs two of them side by side and a mouse.
"""

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import ManyToManyField
from django.http import HttpRequest
from typing_extensions import override
from unfold.admin import ModelAdmin

MIN_SEARCHED: Final = 9  # fewer are seen at once


class CheckboxList(forms.CheckboxSelectMultiple):
    """Checkboxes that scroll below a search, those that were chosen first."""

    template_name = "levered_admin/checkbox_list.html"

    @override
    def get_context(
        self, name: str, value: Any, attrs: dict[str, Any] | None
    ) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        groups: Sequence[tuple[Any, list[dict[str, Any]], int]]
        groups = context["widget"]["optgroups"]
        options = [option for _, members, _ in groups for option in members]
        options.sort(key=lambda option: not option["selected"])
        return {
            **context,
            "options": options,
            "noun": name.replace("_", " "),
            "chosen": sum(option["selected"] for option in options),
            "is_searched": len(options) >= MIN_SEARCHED,
        }


class CheckboxListsMixin(ModelAdmin):
    """Shows fields of several related objects as lists of checkboxes."""

    @override
    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        """Return the field without the menu for single objects that Django adds."""
        if isinstance(db_field, ManyToManyField):
            kwargs.setdefault("widget", CheckboxList)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        wrapper = getattr(field, "widget", None)
        if isinstance(wrapper, RelatedFieldWidgetWrapper) and isinstance(
            wrapper.widget, CheckboxList
        ):
            field.widget = wrapper.widget
        return field
