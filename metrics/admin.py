"""Admin pages of metrics and assignment sources."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest
from django.utils.safestring import SafeString
from typing_extensions import override
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget

from levered_site.admin import html
from levered_site.admin.actions import AdminAction, AdminActionsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.edit_forms import AdminEditForm
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.admin.pages import EditableAdmin, ReadOnlyAdmin, validate_serializer
from levered_site.api.csv_sections import RowSection
from levered_site.organizations.admin import (
    CsvListMixin,
    get_staff_actor,
)
from metrics import definition
from metrics.models import AssignmentSource, Metric
from metrics.serializers import (
    AssignmentSourceSerializer,
    MetricBodySerializer,
    MetricSerializer,
)


class MetricForm(AdminEditForm):
    """The fields that staff may change; saving validates them and runs the SQL."""

    sql = forms.CharField(
        label="SQL",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text="A change of what is counted opens a new regime.",
    )
    column_mapping = forms.JSONField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6})
    )
    outcomes = forms.JSONField(
        required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 6})
    )


@admin.register(Metric)
class MetricAdmin(AdminActionsMixin, EditableAdmin, CsvListMixin):
    """Metrics, defined by customers' SQL; saving a change runs the SQL first."""

    list_display = (
        "name",
        "organization",
        "reward",
        "direction",
        "uses",
        "revision",
        "created_at",
    )
    list_filter = ("direction", ("organization", VisibleRowsFilter))
    list_select_related = ("organization",)
    search_fields = ("id__exact", "name", "organization__name")
    ordering = ("-created_at", "-id")
    form = MetricForm
    csv_section = RowSection("metrics", MetricSerializer)
    fields = (
        ("name", "organization"),
        ("direction", "reward"),
        "sql",
        ("column_mapping", "outcomes"),
        ("look_back_days",),
        ("revision", "created_at"),
        "updated_at",
    )
    readonly_fields = ("organization", "reward", "revision", "created_at", "updated_at")
    admin_actions = (
        AdminAction(
            name="forget",
            title="Delete",
            confirmation_text=(
                "The metric is deleted if nothing uses it. This cannot be undone."
            ),
            success_message="Deleted: {}",
            run=lambda metric, request: definition.delete_metric(
                metric, get_staff_actor(request)
            ),
            icon="delete",
            variant=ActionVariant.DANGER,
            confirm_selection=True,
            role="owner",
        ),
    )

    @override
    def apply_changes(
        self, request: HttpRequest, obj: Any, changes: dict[str, Any]
    ) -> None:
        """Change the metric as the API's PATCH would: validate its SQL and run it."""
        serializer = MetricBodySerializer(data=changes, partial=True)
        definition.update_metric(
            obj, validate_serializer(serializer), get_staff_actor(request)
        )

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .annotate(
                reward_uses=Count("rewarded_optimizations", distinct=True),
                guardrail_uses=Count("guarded_optimizations", distinct=True),
            )
        )

    @declare_column("Reward", pills=True)
    def reward(self, metric: Metric) -> str:
        """The reward type: `bool`, `numeric` or `outcomes`."""
        return metric.reward_type

    @declare_column("Used by", order="reward_uses")
    def uses(self, metric: Any) -> str:
        """How many optimizations use the metric as reward and as guardrail."""
        return f"{metric.reward_uses} reward, {metric.guardrail_uses} guardrail"


@admin.register(AssignmentSource)
class AssignmentSourceAdmin(ReadOnlyAdmin, CsvListMixin):
    """Queries that read exposures from connected warehouses."""

    list_display = ("name", "organization", "is_default", "created_at", "updated_at")
    list_filter = ("is_default", ("organization", VisibleRowsFilter))
    list_select_related = ("organization",)
    search_fields = ("id__exact", "name", "organization__name")
    csv_section = RowSection("assignment_sources", AssignmentSourceSerializer)
    fields = (
        ("name", "organization", "is_default"),
        "query",
        "columns",
        ("created_at", "updated_at"),
    )

    @declare_column("SQL")
    def query(self, source: AssignmentSource) -> SafeString:
        """The customer's SQL."""
        return html.render_code_block(source.sql)

    @declare_column("Columns")
    def columns(self, source: AssignmentSource) -> SafeString:
        """The column of each field."""
        return html.render_table(("field", "column"), source.column_mapping.items())
