"""The base class of pages on which staff create what the API creates, by a form."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from typing_extensions import override

from levered_site.admin import sent_forms
from levered_site.admin.api_forms import ApiForm
from levered_site.admin.edit_forms import AdminEditForm
from levered_site.admin.pages import EditableAdmin
from levered_site.admin.roles import RoleName

SHOWN_ONCE = "shown_once"  # of a new object, where the form made one
ONE_BUTTON = {"show_save_and_add_another": False, "show_save_and_continue": False}


@dataclass(frozen=True, slots=True)
class Secret:
    """What is shown once, right after it was made: its text, and what to do with it."""

    title: str
    label: str
    text: str = field(repr=False)
    advice: str
    example: str = ""


class CreatableAdmin(EditableAdmin):
    """A resource with a form for a new one, which a use case of the API creates.

    The fields of a new one are `add_fieldsets`, in the form `add_form`. Where creating
    makes a Secret, `create_object` gives it to the object by `attach_secret`.
    """

    # What it takes in the organization; the choices of a form are those of `change_role`.
    create_role: ClassVar[RoleName] = "editor"
    new_title: ClassVar[str]  # above the form of a new one
    add_form_template = "levered_admin/new.html"
    compressed_fields = False  # labels stand above their inputs
    add_form: type[AdminEditForm]
    add_fieldsets: Any = ()

    def create_object(self, request: HttpRequest, form: Any) -> Model:
        """Create the object with `form.validated_body` and return it.

        May raise LeveredError, which the form shows.
        """
        raise NotImplementedError

    def get_add_form(self, _request: HttpRequest) -> type[AdminEditForm]:
        """Return the form of a new object."""
        return self.add_form

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the user has the role that creating takes, anywhere."""
        return self.has_role(request, self.create_role)

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return (
            self.add_fieldsets if obj is None else super().get_fieldsets(request, obj)
        )

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else super().get_readonly_fields(request, obj)

    @override
    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,
        **options: Any,
    ) -> Any:
        """Return the form of a new object, or of a change."""
        if obj is None:
            options["form"] = self.get_add_form(request)
        form = super().get_form(request, obj, change, **options)
        if obj is None and "organization" in form.base_fields:
            _simplify_organization(form.base_fields["organization"])
        return form

    @override
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the form with one button, which creates the object."""
        token = sent_forms.get_token(request)
        context = {
            **ONE_BUTTON,
            "form_token": token,
            "new_title": self.new_title,
            **(extra_context or {}),
        }
        page: HttpResponse = super().add_view(request, form_url, context)
        return page

    @override
    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Show the form without a button that opens one for another object."""
        context = {"show_save_and_add_another": False, **(extra_context or {})}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    @override
    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: Any
    ) -> None:
        """Create the object, or apply the changes, as the API does."""
        if not change:
            with sent_forms.claim_form(request):
                vars(obj).update(vars(self.create_object(request, form)))
        elif not isinstance(form, ApiForm):
            super().save_model(request, obj, form, change)
        elif form.validated_body:
            stored = self.model._default_manager.get(pk=obj.pk)
            self.apply_changes(request, stored, form.validated_body)
            obj.warnings = getattr(stored, "warnings", ())

    @override
    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: Any = None
    ) -> HttpResponse:
        """Open the page of the new object, with what looks wrong with it.

        A secret is only in this response: not in a message, which browsers keep.
        """
        self.show_warnings(request, obj)
        if (secret := getattr(obj, SHOWN_ONCE, None)) is not None:
            return self._render_secret(request, obj, secret)
        if IS_POPUP_VAR in request.POST:
            popup: HttpResponse = super().response_add(request, obj, post_url_continue)
            return popup
        messages.success(request, f"Created: {obj}")
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[obj.pk]))

    def _render_secret(
        self, request: HttpRequest, obj: Any, secret: Secret
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": secret.title,
            "opts": self.opts,
            "object": obj,
            "secret": secret,
        }
        return TemplateResponse(request, "levered_admin/secret_once.html", context)

    @override
    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Show what looks wrong with the changed object."""
        self.show_warnings(request, obj)
        answer: HttpResponse = super().response_change(request, obj)
        return answer

    def show_warnings(self, request: HttpRequest, obj: Any) -> None:
        """Show the warnings that the API's answer would hold."""
        for warning in getattr(obj, "warnings", ()):
            messages.warning(request, warning)


def attach_secret(obj: Model, secret: Secret) -> None:
    """Let the page that follows show a secret of the new object."""
    vars(obj)[SHOWN_ONCE] = secret


def _simplify_organization(field: Any) -> None:
    """Offer no links beside the choice of an organization; choose the only one."""
    for link in ("add", "change", "view", "delete"):
        setattr(field.widget, f"can_{link}_related", False)
    field.help_text = "You cannot move it to another organization later."
    first_two = list(field.queryset[:2])
    if len(first_two) == 1:
        field.empty_label = None
        field.initial = first_two[0].pk
