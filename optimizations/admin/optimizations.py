"""The admin of optimizations: their list, and the settings and actions of each."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from typing_extensions import override

from levered_site.admin.checkbox_list import CheckboxListsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.api.csv_sections import RowSection
from levered_site.organizations.admin import CsvListMixin, get_staff_actor
from metrics.models import AssignmentSource, Metric
from models_app.models import TrainingRun
from optimizations.admin import (
    activity,
    candidate_section,
    lifecycle_actions,
    lift_chart,
    list_cells,
    page_rows,
    setting_texts,
)
from optimizations.admin.create import views as create_views
from optimizations.admin.csv_readings import CsvReadingsMixin
from optimizations.admin.forms import OptimizationForm, validate_changes
from optimizations.admin.optimization_list import (
    HealthFilter,
    OptimizationChangeList,
    add_list_columns,
    is_list,
)
from optimizations.admin.optimization_pages import OptimizationPagesMixin
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Optimization
from optimizations.results.readings import list_summary
from optimizations.serializers.optimization_responses import OptimizationRowSerializer

EDITABLE_WHILE_DRAFT = ("reward_metric", "assignment_source", "expected_users")


@admin.register(Optimization)
class OptimizationAdmin(
    CheckboxListsMixin, OptimizationPagesMixin, CsvReadingsMixin, CsvListMixin
):
    """Optimizations. The API and the form in steps create them; the API and this page
    change them."""

    list_display = (
        "name",
        "organization",
        "state",
        "measured_lift",
        "health_status",
        "users",
        "went_live",
        "last_training",
    )
    list_filter = (
        "status",
        HealthFilter,
        "allocation",
        ("organization", VisibleRowsFilter),
    )
    list_select_related = ("organization", "reward_metric", "results_summary")
    search_fields = ("id__exact", "name", "organization__id__exact")
    search_help_text = "A name, or the exact id of an optimization or organization."
    ordering = ("-updated_at", "-id")
    list_after_template = "levered_admin/optimization_list_foot.html"
    readonly_fields = ("organization", "dates")
    fieldsets = (
        (None, {"fields": (("name", "organization"), "dates")}),
        (
            "Goal",
            {"fields": ("reward_metric", "guardrail_metrics", "assignment_source")},
        ),
        (
            "Traffic",
            {
                "fields": (
                    ("holdout_percentage", "expected_users"),
                    ("allocation", "exploration_share"),
                    "retrain_every_minutes",
                    "excluded_combinations",
                    ("allowed_origins", "public_policy"),
                    "excluded_users",
                )
            },
        ),
    )
    form = OptimizationForm
    csv_section = RowSection("optimizations", OptimizationRowSerializer)
    admin_actions = (*lifecycle_actions.ACTIONS, *candidate_section.ACTIONS)

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the form that creates one, and what the overview loads last."""
        show = self.admin_site.admin_view(activity.show_activity)
        name = "optimizations_optimization_activity"
        own = [
            *create_views.build_urls(self),
            path("activity/", show, name=name),
        ]
        return [*own, *super().get_urls()]

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may create in any organization."""
        return self.has_role(request, "editor")

    @override
    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Lead to the first step of the form."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        return create_views.start_form()

    @override
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the list that loads health and lift for its rows at once."""
        return OptimizationChangeList

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Load the last training too; for the list its health, else what pages show."""
        runs = TrainingRun.objects.filter(model=OuterRef("model_id"))
        newest_runs = runs.order_by("-created_at", "-id")
        rows = (
            super()
            .get_queryset(request)
            .filter(deleted_at=None)
            .annotate(last_run=Subquery(newest_runs.values("status")[:1]))
        )
        return (
            add_list_columns(rows, request)
            if is_list(request)
            else page_rows.load_page(rows)
        )

    @override
    def build_csv_rows(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return rows with their summaries."""
        context = {"summaries": list_summary.load_summaries(rows)}
        return list(OptimizationRowSerializer(rows, many=True, context=context).data)

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Make the fields read-only that are fixed once it is live, or once it is over."""
        if obj is None or obj.status == Optimization.Status.DRAFT:
            fixed: tuple[str, ...] = () if obj else EDITABLE_WHILE_DRAFT
            return (*self.readonly_fields, *fixed)
        others = setting_texts.TEXTS.keys() - set(EDITABLE_WHILE_DRAFT)
        over = sorted(name for name in others if setting_texts.is_fixed(obj, name))
        return (*self.readonly_fields, *EDITABLE_WHILE_DRAFT, *over)

    @override
    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,
        **options: Any,
    ) -> Any:
        """Offer only the metrics and sources of the optimization's organization.

        What is read-only says what it means, too.
        """
        fixed = self.get_readonly_fields(request, obj)
        texts = setting_texts.describe_settings(obj, fixed)
        form = super().get_form(request, obj, change, help_texts=texts, **options)
        scope = {"organization_id": obj.organization_id} if obj else {"pk": None}
        for name, field in form.base_fields.items():
            if name in {"reward_metric", "guardrail_metrics"}:
                field.queryset = Metric.objects.filter(**scope)
            elif name == "assignment_source":
                field.queryset = AssignmentSource.objects.filter(**scope)
        return form

    @override
    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Offer no second way to create: creating has a form of its own."""
        context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, *args, **kwargs)

    @override
    def apply_changes(
        self, request: HttpRequest, obj: Any, changes: dict[str, Any]
    ) -> None:
        """Change the optimization as the API's PATCH would; set its excluded users."""
        excluded_users = changes.pop("excluded_users", None)
        if changes:
            obj = lifecycle.update_optimization(
                obj, validate_changes(changes), get_staff_actor(request)
            )
        if excluded_users is not None:
            create_update.exclude_users(obj, excluded_users, get_staff_actor(request))

    @declare_column("Status", order="status", pills=True)
    def state(self, optimization: Optimization) -> str:
        """The status of the optimization."""
        return optimization.status

    @declare_column("Lift", order="shown_lift")
    def measured_lift(self, optimization: Any) -> SafeString:
        """The measured lift as of the last count, unless its health forbids to show it."""
        is_less_better = lift_chart.is_less_better(optimization)
        return list_cells.wrap_cell(
            list_cells.render_lift(optimization.listed, is_less_better=is_less_better)
        )

    @declare_column("Health", order="health_rank")
    def health_status(self, optimization: Any) -> SafeString:
        """Whether the lift can be trusted, and why not."""
        return list_cells.wrap_cell(list_cells.render_health(optimization.listed))

    @declare_column("Users", order="results_summary__users")
    def users(self, optimization: Any) -> SafeString:
        """How many users the last count found, and when that was."""
        return list_cells.wrap_cell(
            list_cells.render_users(optimization.listed, timezone.now())
        )

    @declare_column("Went live", order="went_live_at")
    def went_live(self, optimization: Optimization) -> SafeString:
        """How long ago it went live."""
        return list_cells.render_age(optimization, timezone.now())

    @declare_column("Last training", order="last_run", pills=True)
    def last_training(self, optimization: Any) -> Any:
        """The status of the last training."""
        return optimization.last_run

    @declare_column("Dates")
    def dates(self, optimization: Optimization) -> str:
        """When the optimization was created, went live, was shipped and ended."""
        moments = (
            ("created", optimization.created_at),
            ("live", optimization.went_live_at),
            ("shipped", optimization.shipped_at),
            ("ended", optimization.ended_at),
        )
        return " · ".join(
            f"{name} {moment:%Y-%m-%d %H:%M}" for name, moment in moments if moment
        )
