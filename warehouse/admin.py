"""Staff pages of connections, without their credentials, and of managed events."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from typing_extensions import override
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from levered_site.admin import html
from levered_site.admin.columns import declare_column
from levered_site.admin.pages import ReadOnlyAdmin
from levered_site.admin.partitioned import PartitionedTableAdmin
from levered_site.organizations.models import Organization
from warehouse.models import Connection, ManagedExposure, ManagedReward


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    """Connections; an organization without one uses the managed store."""

    list_display = (
        "organization",
        "provider",
        "project_id",
        "dataset_id",
        "stored",
        "updated_at",
    )
    list_filter = ("provider", ("organization", AutocompleteSelectFilter))
    list_select_related = ("organization",)
    search_fields = ("organization__id", "organization__name", "project_id")
    fields = (
        ("organization", "provider"),
        ("project_id", "dataset_id"),
        "stored",
        ("created_at", "updated_at"),
    )

    @declare_column("Credentials", boolean=True)
    def stored(self, connection: Connection) -> bool:
        """Return whether there are credentials, which are never shown."""
        return connection.credentials is not None


class EventAdmin(PartitionedTableAdmin):
    """The base of the pages of exposures and rewards."""

    moment = "timestamp_utc"

    @declare_column("Organization")
    def organization(self, event: ManagedExposure | ManagedReward) -> SafeString | str:
        """Link to the organization that sent the event."""
        return html.render_row_link(
            Organization, event.organization_id, event.organization_id
        )


@admin.register(ManagedExposure)
class ManagedExposureAdmin(EventAdmin):
    """Exposures sent to the API."""

    search_help_text = (
        "An optimization's id, or an optimization's id, a space and a visitor's "
        "anonymous id. Both must match exactly."
    )

    @override
    def filter_by_visitor(
        self, request: HttpRequest, queryset: QuerySet[Any], anonymous_id: str
    ) -> QuerySet[Any]:
        """Return no rows: the index begins with the optimization."""
        messages.info(
            request,
            "Exposures can be searched only by optimization: enter its id first.",
        )
        return queryset.none()

    list_display = (
        "when",
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
        """Return the context as the event has it."""
        return html.render_code(exposure.context)


@admin.register(ManagedReward)
class ManagedRewardAdmin(EventAdmin):
    """Rewards sent to the API."""

    @override
    def filter_by_visitor(
        self, request: HttpRequest, queryset: QuerySet[Any], anonymous_id: str
    ) -> QuerySet[Any]:
        """Filter by all organizations too, because the index begins with them."""
        organization_ids = list(Organization.objects.values_list("pk", flat=True))
        return queryset.filter(
            organization_id__in=organization_ids, anonymous_id=anonymous_id
        )

    list_display = (
        "when",
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
        "sent",
    )

    @declare_column("Properties")
    def sent(self, reward: ManagedReward) -> SafeString | str:
        """Return the reward's properties as JSON."""
        properties = reward.properties
        return html.NO_VALUE if properties is None else html.render_json(properties)
