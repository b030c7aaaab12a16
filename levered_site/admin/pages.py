"""Base classes of admin pages: editable through the API's use cases, or read-only."""

from typing import Any

from django.contrib.admin import ShowFacets
from django.db import connection
from django.http import HttpRequest, HttpResponse
from rest_framework import serializers
from typing_extensions import override
from unfold.admin import ModelAdmin

from levered_site.admin.edit_forms import AdminEditForm
from levered_site.admin.roles import RoleAdmin
from levered_site.api import exceptions
from levered_site.errors import LeveredError

_SAVE_ERROR_KEY = "levered.save_error"  # in request.META: why the first save failed


def validate_serializer(serializer: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    """Return the validated data of a serializer of the API.

    Raises InvalidParametersError naming the fields, as the API would.
    """
    try:
        serializer.is_valid(raise_exception=True)
    except serializers.ValidationError as invalid:
        error = exceptions.translate_exception(invalid)
        raise error or invalid from invalid
    validated: dict[str, Any] = serializer.validated_data
    return validated


class ConcurrentEditAdmin(ModelAdmin):
    """A page whose form writes only what its user changed: a ConcurrentEditForm."""

    change_form_before_template = "levered_admin/shown_values.html"

    @override
    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """Return the object; lock its row while a form is saved, until it is committed."""
        row = super().get_object(request, object_id, from_field)
        is_saving = request.method == "POST" and connection.in_atomic_block
        if row is None or not is_saving:
            return row
        rows = self.model._base_manager.select_for_update(of=("self",), no_key=True)
        rows.filter(pk=row.pk).first()
        return super().get_object(request, object_id, from_field)


class BaseAdmin(RoleAdmin):
    """A resource with search and filters, without row counts or deletion."""

    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # each facet would be one more COUNT
    list_per_page = 50
    list_filter_submit = True
    warn_unsaved_form = True

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: resources are created through the API, with few exceptions."""
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: actions such as archive and revoke replace deleting rows."""
        return False


class EditableAdmin(ConcurrentEditAdmin, BaseAdmin):
    """A resource saved by a use case of the API, with its rules and its audit entry."""

    form = AdminEditForm

    def apply_changes(
        self, request: HttpRequest, obj: Any, changes: dict[str, Any]
    ) -> None:
        """Apply `changes`, the new values of the form's changed fields by name."""
        raise NotImplementedError

    @override
    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: Any
    ) -> None:
        """Call `apply_changes` instead of saving the object."""
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        if changes:
            stored = self.model._default_manager.get(pk=obj.pk)
            self.apply_changes(request, stored, changes)

    @override
    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """Do nothing: `apply_changes` has written the relations."""

    @override
    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,
        **options: Any,
    ) -> Any:
        """Pass the error of a failed save to the form."""
        form = super().get_form(request, obj, change, **options)
        form.save_error = request.META.get(_SAVE_ERROR_KEY)
        return form

    @override
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the page; if its save fails, show the form with the error.

        The failed save was rolled back as a whole.
        """
        page: HttpResponse
        try:
            page = super().changeform_view(request, object_id, form_url, extra_context)
        except LeveredError as error:
            request.META[_SAVE_ERROR_KEY] = error
            page = super().changeform_view(request, object_id, form_url, extra_context)
        return page


class ReadOnlyAdmin(BaseAdmin):
    """A resource that staff may only view."""

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: the page is read-only."""
        return False
