"""What the staff pages are made from: editable by deeds, or read-only."""

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin import ShowFacets
from django.http import HttpRequest, HttpResponse
from rest_framework import serializers
from typing_extensions import override
from unfold.admin import ModelAdmin

from levered_site.api import exceptions
from levered_site.errors import LeveredError

_REFUSAL_KEY = "levered.refusal"  # where a request keeps what its deed answered


if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Any]
else:
    ModelForm = forms.ModelForm  # generic for the type checker only


def validate_serializer(shape: serializers.BaseSerializer[Any]) -> dict[str, Any]:
    """Return what a shape of the API makes of its data.

    Raises InvalidParametersError naming the fields, as the API would.
    """
    try:
        shape.is_valid(raise_exception=True)
    except serializers.ValidationError as invalid:
        error = exceptions.translate_exception(invalid)
        raise error or invalid from invalid
    found: dict[str, Any] = shape.validated_data
    return found


class AdminEditForm(ModelForm):
    """A form whose save is a deed; shows what the deed refused, beside its field."""

    refusal: LeveredError | None = None

    def clean(self) -> dict[str, Any] | None:
        """Add the refusal of an earlier attempt to the form's own errors."""
        cleaned = super().clean()
        if self.refusal is None:
            return cleaned
        for problem in self.refusal.details:
            name = self.find_field(problem.field)
            self.add_error(name, problem.message if name else str(problem))
        if not self.refusal.details:
            self.add_error(None, self.refusal.message)
        return cleaned

    def find_field(self, path: str) -> str | None:
        """Name the form's field that a dotted path of the contract means."""
        name = re.split(r"[.\[]", path, maxsplit=1)[0]
        for candidate in (name, name.removesuffix("_id"), name.replace("_ids", "s")):
            if candidate in self.fields:
                return candidate
        return None


class BaseAdmin(ModelAdmin):
    """A resource: searchable and filterable, never counted whole, never deleted here."""

    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # each would be one more count
    list_per_page = 50
    list_filter_submit = True
    warn_unsaved_form = True

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Things come into being through the API, where nothing else is said."""
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave is taken by deeds (archive, revoke), not by deleting rows."""
        return False


class EditableAdmin(BaseAdmin):
    """A resource whose save goes through a deed, so that rules and audit hold."""

    form = AdminEditForm

    def apply_changes(
        self, request: HttpRequest, obj: Any, changes: dict[str, Any]
    ) -> None:
        """Do what was asked: `changes` maps the form's changed fields to values."""
        raise NotImplementedError

    @override
    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: Any
    ) -> None:
        """Call the deed in place of a bare save, with what changed."""
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        if changes:
            kept = self.model._default_manager.get(pk=obj.pk)  # noqa: SLF001 - Django's documented API
            self.apply_changes(request, kept, changes)

    @override
    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        """Nothing more: the deed has written the relations too."""

    @override
    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,
        **options: Any,
    ) -> Any:
        """Give the form what the deed refused, when there is such."""
        form = super().get_form(request, obj, change, **options)
        form.refusal = request.META.get(_REFUSAL_KEY)
        return form

    @override
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a refusal in the form: the first attempt was rolled back whole."""
        page: HttpResponse
        try:
            page = super().changeform_view(request, object_id, form_url, extra_context)
        except LeveredError as error:
            request.META[_REFUSAL_KEY] = error
            page = super().changeform_view(request, object_id, form_url, extra_context)
        return page


class ReadOnlyAdmin(BaseAdmin):
    """Something that happened: to be looked at."""

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes what happened."""
        return False
