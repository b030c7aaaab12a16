"""Filters of lists."""

from typing import Any

from django.http import HttpRequest
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.contrib.filters.forms import AutocompleteDropdownForm


class VisibleRowsForm(AutocompleteDropdownForm):
    """A choice that names a selected row only to those who may view it."""

    def __init__(
        self,
        request: HttpRequest,
        name: str,
        *,
        field: Any,
        model_admin: Any,
        **options: Any,
    ) -> None:
        super().__init__(request, name, field=field, model_admin=model_admin, **options)
        related = model_admin.admin_site.get_model_admin(field.remote_field.model)
        self.fields[name].queryset = related.get_queryset(request)


class VisibleRowsFilter(AutocompleteSelectFilter):
    """Filter a list by a row of another list, which is searched while typing."""

    form_class = VisibleRowsForm
