"""Staff pages: connections (never their credentials) and the events sent in."""

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
    """Where an organization's observations live; without a row: the managed store."""

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
        """Whether there are credentials; nobody is shown them."""
        return connection.credentials is not None


class EventAdmin(PartitionedTableAdmin):
    """What both kinds of events have in common."""

    moment = "timestamp_utc"

    @declare_column("Organization")
    def organization(self, event: ManagedExposure | ManagedReward) -> SafeString | str:
        """The way to whoever sent it."""
        return html.render_row_link(
            Organization, event.organization_id, event.organization_id
        )


@admin.register(ManagedExposure)
class ManagedExposureAdmin(EventAdmin):
    """Exposures as they were sent in."""

    search_help_text = (
        "An optimization's id, or that and a visitor's anonymous id with a space "
        "between; exactly as they are."
    )

    @override
    def filter_by_visitor(
        self, request: HttpRequest, queryset: QuerySet[Any], anonymous_id: str
    ) -> QuerySet[Any]:
        """None: the index begins with the optimization."""
        messages.info(
            request, "Exposures are found by their optimization: give its id first."
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
        """The variant's key."""
        return html.render_code(exposure.variant)

    @declare_column("Context")
    def context_text(self, exposure: ManagedExposure) -> SafeString:
        """The context as it was sent."""
        return html.render_code(exposure.context)


@admin.register(ManagedReward)
class ManagedRewardAdmin(EventAdmin):
    """Rewards as they were sent in."""

    @override
    def filter_by_visitor(
        self, request: HttpRequest, queryset: QuerySet[Any], anonymous_id: str
    ) -> QuerySet[Any]:
        """By organization and visitor, which are indexed together."""
        everyone = list(Organization.objects.values_list("pk", flat=True))
        return queryset.filter(organization_id__in=everyone, anonymous_id=anonymous_id)

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
        """What came with it."""
        found = reward.properties
        return html.NO_VALUE if found is None else html.render_json(found)
