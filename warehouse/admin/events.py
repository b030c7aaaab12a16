"""Admin pages of connections (without credentials) and of ingested events."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from typing_extensions import override

from levered_site.admin import html
from levered_site.admin.columns import declare_column
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.admin.pages import ReadOnlyAdmin
from levered_site.admin.partitioned import PartitionedTableAdmin
from levered_site.organizations.admin import OrganizationAdminMixin, get_staff_roles
from levered_site.organizations.models import Organization
from warehouse.models import Connection, ManagedExposure, ManagedReward


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin, OrganizationAdminMixin):
    """Connected warehouses. An organization without a row uses the managed one."""

    list_display = (
        "organization",
        "provider",
        "project_id",
        "dataset_id",
        "has_credentials",
        "updated_at",
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

    @declare_column("Credentials", boolean=True)
    def has_credentials(self, connection: Connection) -> bool:
        """Whether credentials are stored. No page shows them."""
        return connection.credentials is not None


class EventAdmin(PartitionedTableAdmin, OrganizationAdminMixin):
    """The base of both kinds of events."""

    time_field = "timestamp_utc"

    @declare_column("Organization")
    def organization(self, event: ManagedExposure | ManagedReward) -> SafeString | str:
        """The organization that sent the event, linked."""
        return html.render_row_link(
            Organization, event.organization_id, event.organization_id
        )


@admin.register(ManagedExposure)
class ManagedExposureAdmin(EventAdmin):
    """Exposures as ingested."""

    search_help_text = (
        "The id of an optimization, optionally followed by a space and the anonymous "
        "id of a visitor. Only exact ids match."
    )

    @override
    def filter_by_visitor(
        self, request: HttpRequest, queryset: QuerySet[Any], anonymous_id: str
    ) -> QuerySet[Any]:
        """Return no rows: no index finds exposures by their visitor alone."""
        messages.info(
            request,
            "Search for the id of the optimization first, then for the visitor.",
        )
        return queryset.none()

    list_display = (
        "time_link",
        "anonymous_id",
        "variant_text",
        "policy_version",
        "optimization_id",
        "organization",
    )
    fields = (
        ("timestamp_utc", "created_at"),
        ("organization", "optimization_id"),
        ("anonymous_id", "policy_version"),
        "variant_text",
        "context_text",
    )

    @declare_column("Variant")
    def variant_text(self, exposure: ManagedExposure) -> SafeString:
        """Return the variant's key as code."""
        return html.render_code(exposure.variant)

    @declare_column("Context")
    def context_text(self, exposure: ManagedExposure) -> SafeString:
        """The context as ingested."""
        return html.render_code(exposure.context)


@admin.register(ManagedReward)
class ManagedRewardAdmin(EventAdmin):
    """Rewards as ingested."""

    @override
    def filter_by_visitor(
        self, request: HttpRequest, queryset: QuerySet[Any], anonymous_id: str
    ) -> QuerySet[Any]:
        """Return the rows in every organization of the user.

        The index begins with the organization: without naming all of them Postgres would
        scan the partitions.
        """
        own = get_staff_roles(request).restrict_rows(Organization.objects.all(), "id")
        own_ids = list(own.values_list("pk", flat=True))
        return queryset.filter(organization_id__in=own_ids, anonymous_id=anonymous_id)

    list_display = (
        "time_link",
        "anonymous_id",
        "name",
        "value",
        "optimization_id",
        "organization",
    )
    fields = (
        ("timestamp_utc", "created_at"),
        ("organization", "optimization_id"),
        ("anonymous_id", "name", "value"),
        "properties_json",
    )

    @declare_column("Properties")
    def properties_json(self, reward: ManagedReward) -> SafeString | str:
        """The properties of the reward."""
        properties = reward.properties
        return html.NO_VALUE if properties is None else html.render_json(properties)
