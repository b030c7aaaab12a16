"""Staff pages: metrics and assignment sources."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.safestring import SafeString
from typing_extensions import override
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from levered_site.admin import html
from levered_site.admin.actions import Deed, WithDeeds
from levered_site.admin.columns import column
from levered_site.admin.pages import DeedForm, EditedByDeed, ReadOnly, held_to
from levered_site.organizations.admin import actor
from metrics import definition
from metrics.models import AssignmentSource, Metric
from metrics.serializers import MetricBody


class MetricForm(DeedForm):
    """What may be changed; shapes and SQL are checked by the deed."""

    sql = forms.CharField(
        label="SQL",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text="A change of what is counted begins a new regime.",
    )
    column_mapping = forms.JSONField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6})
    )
    outcomes = forms.JSONField(
        required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 6})
    )


@admin.register(Metric)
class MetricAdmin(WithDeeds, EditedByDeed):
    """What counts as success, in the customer's SQL; a change is tried before it holds."""

    list_display = (
        "name",
        "organization",
        "reward",
        "direction",
        "uses",
        "revision",
        "created_at",
    )
    list_filter = ("direction", ("organization", AutocompleteSelectFilter))
    list_select_related = ("organization",)
    search_fields = ("id__exact", "name", "organization__name")
    form = MetricForm
    fields = (
        ("name", "organization"),
        ("direction", "reward"),
        "sql",
        ("column_mapping", "outcomes"),
        ("revision", "created_at"),
        "updated_at",
    )
    readonly_fields = ("organization", "reward", "revision", "created_at", "updated_at")
    deeds = (
        Deed(
            name="forget",
            title="Delete",
            question="A metric that nothing uses is removed for good.",
            done="Deleted: {}",
            act=lambda metric, request: definition.forget(metric, actor(request)),
            icon="delete",
            variant=ActionVariant.DANGER,
            confirm=True,
        ),
    )

    @override
    def save_by_deed(
        self, request: HttpRequest, obj: Any, changes: dict[str, Any]
    ) -> None:
        """Change it as the API's PATCH would: its SQL is proved and tried."""
        shape = MetricBody(data=changes, partial=True)
        definition.redefine(obj, held_to(shape), actor(request))

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .annotate(
                rewards=Count("rewarded_optimizations", distinct=True),
                guards=Count("guarded_optimizations", distinct=True),
            )
        )

    @column("Reward", pills=True)
    def reward(self, metric: Metric) -> str:
        """`bool`, `numeric` or `outcomes`."""
        return metric.reward_type

    @column("Used by", order="rewards")
    def uses(self, metric: Any) -> str:
        """How many optimizations seek it, and how many are guarded by it."""
        return f"{metric.rewards} reward, {metric.guards} guardrail"


@admin.register(AssignmentSource)
class AssignmentSourceAdmin(ReadOnly):
    """Where a connected warehouse keeps exposures."""

    list_display = ("name", "organization", "is_default", "created_at", "updated_at")
    list_filter = ("is_default", ("organization", AutocompleteSelectFilter))
    list_select_related = ("organization",)
    search_fields = ("id__exact", "name", "organization__name")
    fields = (
        ("name", "organization", "is_default"),
        "query",
        "columns",
        ("created_at", "updated_at"),
    )

    @column("SQL")
    def query(self, source: AssignmentSource) -> SafeString:
        """The customer's text."""
        return html.block(source.sql)

    @column("Columns")
    def columns(self, source: AssignmentSource) -> SafeString:
        """Which column is what."""
        return html.table(("what", "column"), source.column_mapping.items())
