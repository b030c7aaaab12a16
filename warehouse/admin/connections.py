"""Admin pages of connections: connect a warehouse by a form that tests itself."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from typing_extensions import override
from unfold.enums import ActionVariant

from levered_site.admin.actions import AdminAction, AdminActionsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.creation import CreatableAdmin
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.errors import BadRequestError, LeveredError
from levered_site.organizations.admin import OrganizationAdminMixin, get_staff_actor
from warehouse import connections, unsaved_connections
from warehouse.admin.connection_forms import FORMS, TITLES, ConnectionForm
from warehouse.models import Connection

PROVIDER_PARAMETER = "provider"
TEST_FIELD = "_test"  # in a POST that connects and stores nothing
FOUND_TEMPLATE = "levered_admin/connection/found.html"


def _test_stored(connection: Connection, _request: HttpRequest) -> None:
    result = connections.test_connection(connection.organization_id)
    if not result.success:
        raise BadRequestError(result.message or "The warehouse did not answer.")


@admin.register(Connection)
class ConnectionAdmin(AdminActionsMixin, CreatableAdmin, OrganizationAdminMixin):
    """Connected warehouses. An organization without a row uses the managed one."""

    create_role = change_role = "owner"
    list_display = (
        *("organization", "provider", "project_id", "dataset_id"),
        *("has_credentials", "updated_at"),
    )
    list_filter = ("provider", ("organization", VisibleRowsFilter))
    list_select_related = ("organization",)
    search_fields = ("organization__id", "organization__name", "project_id")
    fields = (
        ("organization", "provider"),
        ("project_id", "dataset_id"),
        "has_credentials",
        ("created_at", "updated_at"),
    )
    new_title = "Connect a warehouse"
    add_form_template = "levered_admin/connection/form.html"
    admin_actions = (
        AdminAction(
            name="test",
            title="Test",
            question=lambda each: f"Test the connection of {each.organization}?",
            confirmation_text="Levered connects with the stored credentials.",
            success_message="Connected: {}",
            run=_test_stored,
            icon="network_check",
            role="editor",
        ),
        AdminAction(
            name="disconnect",
            title="Disconnect",
            question=lambda each: f"Disconnect the warehouse of {each.organization}?",
            confirmation_text=(
                "The credentials are deleted, and the organization uses the built-in "
                "store again. Optimizations that are live start a new measuring period."
            ),
            success_message="Disconnected: {}",
            run=lambda connection, request: connections.disconnect_warehouse(
                connection.organization_id, get_staff_actor(request)
            ),
            icon="link_off",
            variant=ActionVariant.DANGER,
            confirm_selection=True,
            role="owner",
        ),
    )

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: another connection takes the place of this one."""
        return False

    @override
    def get_add_form(self, request: HttpRequest) -> type[ConnectionForm]:
        """Return the form of the chosen provider."""
        return _find_form(request)

    @override
    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,
        **options: Any,
    ) -> Any:
        """Say what a new connection replaces."""
        form = super().get_form(request, obj, change, **options)
        if obj is None:
            form.base_fields["organization"].help_text = (
                "It has one connection: this one takes the place of the present one. "
                "If it names another warehouse, optimizations that are live start a new "
                "measuring period."
            )
        return form

    @override
    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return super().get_fieldsets(request, obj)
        return ((None, {"fields": ("organization", *_find_form(request).layout)}),)

    @override
    def create_object(self, request: HttpRequest, form: Any) -> Connection:
        """Test and store the connection as the API's POST does."""
        return connections.connect_warehouse(
            form.cleaned_data["organization"].pk,
            form.validated_body,
            get_staff_actor(request),
        )

    @override
    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the form, test what it holds, or store it.

        To htmx it answers with the errors alone: the fields keep what was typed.
        """
        if request.method == "POST" and TEST_FIELD in request.POST:
            return self._render_test(request)
        chosen = _find_form(request).provider
        context = {
            "providers": [
                {"name": name, "title": title, "is_chosen": name == chosen}
                for name, title in TITLES.items()
            ],
            "form_query": request.GET.urlencode(),
            **(extra_context or {}),
        }
        response = super().add_view(request, form_url, context)
        if "HX-Request" not in request.headers:
            return response
        if isinstance(response, HttpResponseRedirect):
            return HttpResponse(headers={"HX-Redirect": response.url})
        assert isinstance(response, TemplateResponse)
        assert response.context_data
        form = response.context_data["adminform"].form
        return self._render_found(request, form, None)

    def _render_test(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        names = flatten_fieldsets(self.get_fieldsets(request))
        form = self.get_form(request, None, fields=names)(request.POST)
        findings = None
        if form.is_valid():
            organization = form.cleaned_data["organization"]
            try:
                findings = unsaved_connections.try_connection(
                    organization.pk, form.validated_body
                )
            except LeveredError as error:
                form.add_failure(error)
        return self._render_found(request, form, findings)

    def _render_found(
        self, request: HttpRequest, form: ConnectionForm, findings: Any
    ) -> HttpResponse:
        context = {"form": form, "fields": list(form), "findings": findings}
        return TemplateResponse(request, FOUND_TEMPLATE, context)

    @declare_column("Credentials", boolean=True)
    def has_credentials(self, connection: Connection) -> bool:
        """Whether credentials are stored. No page shows them."""
        return connection.credentials is not None


def _find_form(request: HttpRequest) -> type[ConnectionForm]:
    """Return the form of the provider in the address; by default of Postgres."""
    provider = request.GET.get(PROVIDER_PARAMETER, "")
    return FORMS.get(provider, FORMS[Connection.Provider.POSTGRES])
