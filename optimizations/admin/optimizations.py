"""The admin page of an optimization: its settings, actions and results."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from typing_extensions import override

from levered_site.admin import html
from levered_site.admin.actions import AdminActionsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.admin.pages import EditableAdmin
from levered_site.api.csv_sections import RowSection
from levered_site.organizations.admin import CsvListMixin, get_staff_actor
from metrics.models import AssignmentSource, Metric
from models_app.models import TrainingRun
from optimizations.admin import (
    candidate_section,
    lifecycle_actions,
    lift_chart,
    optimization_panel,
    panel_charts,
)
from optimizations.admin.csv_readings import CsvReadingsMixin
from optimizations.admin.forms import OptimizationForm, validate_changes
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Optimization, Variant
from optimizations.results import (
    health_records,
    list_summary,
    missing_counts,
    unserved_variants,
)
from optimizations.results.health_records import NO_REASONS
from optimizations.serializers.optimization_responses import OptimizationRowSerializer

EDITABLE_WHILE_DRAFT = ("reward_metric", "assignment_source", "expected_users")


@admin.register(Optimization)
class OptimizationAdmin(
    AdminActionsMixin, EditableAdmin, CsvReadingsMixin, CsvListMixin
):
    """Optimizations. The API creates them; the API and this page change them."""

    list_display = (
        "name",
        "organization",
        "state",
        "variants",
        "metric",
        "measured_lift",
        "health_status",
        "model_state",
        "last_training",
        "updated_at",
    )
    list_filter = ("status", "allocation", ("organization", VisibleRowsFilter))
    list_select_related = (
        "organization",
        "model",
        "reward_metric",
        "results_summary",
    )
    search_fields = ("id__exact", "name", "organization__id__exact")
    search_help_text = "A name, or the exact id of an optimization or organization."
    ordering = ("-updated_at", "-id")
    list_before_template = "levered_admin/created_through_api.html"
    change_form_outer_before_template = "levered_admin/optimization_panel.html"
    filter_horizontal = ("guardrail_metrics",)
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
                    ("allowed_origins", "excluded_users"),
                )
            },
        ),
    )
    form = OptimizationForm
    csv_section = RowSection("optimizations", OptimizationRowSerializer)
    admin_actions = (*lifecycle_actions.ACTIONS, *candidate_section.ACTIONS)

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Load variant count and last training too, and what the health depends on."""
        runs = TrainingRun.objects.filter(model=OuterRef("model_id"))
        newest_runs = runs.order_by("-created_at", "-id")
        variants = Variant.objects.filter(optimization=OuterRef("pk"))
        last_variants = variants.order_by("-number")
        return (
            super()
            .get_queryset(request)
            .filter(deleted_at=None)
            .prefetch_related("guardrail_metrics", "count_failures__metric", "regimes")
            .annotate(
                last_run=Subquery(newest_runs.values("status")[:1]),
                last_number=Subquery(last_variants.values("number")[:1]),
            )
        )

    @override
    def build_csv_rows(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return rows with their summaries."""
        context = {"summaries": list_summary.load_summaries(rows)}
        return list(OptimizationRowSerializer(rows, many=True, context=context).data)

    @override
    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Make the fields read-only that are fixed once the optimization is live."""
        fixed = (
            ()
            if obj and obj.status == Optimization.Status.DRAFT
            else EDITABLE_WHILE_DRAFT
        )
        return (*self.readonly_fields, *fixed)

    @override
    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,
        **options: Any,
    ) -> Any:
        """Offer only the metrics and sources of the optimization's organization."""
        form = super().get_form(request, obj, change, **options)
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
        """Add the panel with the results above the form."""
        optimization = context.get("original")
        if optimization is not None:
            context["panel"] = optimization_panel.build_panel(optimization)
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

    @declare_column("Variants", order="last_number")
    def variants(self, optimization: Any) -> int:
        """The number of variants, which are numbered from 1 without gaps."""
        return optimization.last_number or 0

    @declare_column("Reward metric", order="reward_metric__name")
    def metric(self, optimization: Optimization) -> SafeString | str:
        """The reward metric, linked."""
        return html.render_link(optimization.reward_metric)

    @declare_column("Lift", order="results_summary__lift")
    def measured_lift(self, optimization: Optimization) -> SafeString | str:
        """The measured lift as of the last count, or the difference where none can be.

        Its interval of all looks together stands beside it, and how many of the variants
        that earned it are not served any more.
        """
        summary = getattr(optimization, "results_summary", None)
        if summary is None:
            return html.NO_VALUE
        if summary.lift is None and summary.confidence is not None:
            limits = _format_limits(summary.difference_ci_anytime, "+.4g")
            figure = f"{summary.difference:+.4g} per user{limits}"
        else:
            limits = _format_limits(summary.lift_ci_anytime, "+.1f")
            figure = html.format_percent(summary.lift, signed=True) + limits
        if summary.lift is None and summary.difference is None:
            return figure
        bar = lift_chart.draw_lift_bar(
            summary, is_less_better=panel_charts.is_less_better(optimization)
        )
        return format_html(
            "{} {}{}", bar or "", figure, _describe_unserved(optimization)
        )

    @declare_column("Health", pills=True)
    def health_status(self, optimization: Optimization) -> str | None:
        """Whether the lift can be trusted; none before the first count."""
        summary = getattr(optimization, "results_summary", None)
        judged = health_records.judge_optimization(
            optimization,
            health_records.read_reasons(summary) if summary else NO_REASONS,
            {metric.pk: metric for metric in optimization.guardrail_metrics.all()},
            optimization.count_failures.all(),
        )
        has_figures = summary is not None or not missing_counts.is_nothing_yet(judged)
        return judged.status if has_figures else None

    @declare_column("Model", order="model__status", pills=True)
    def model_state(self, optimization: Optimization) -> str:
        """The status of the model."""
        return optimization.model.status

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


def _describe_unserved(optimization: Optimization) -> str:
    """Return how many variants of the lift are not served any more, after a comma."""
    regimes = sorted(optimization.regimes.all(), key=lambda regime: regime.number)
    unserved = len(unserved_variants.find_unserved_variants(regimes))
    return f", {unserved} of its variants not served any more" if unserved else ""


def _format_limits(limits: Sequence[float | None] | None, form: str) -> str:
    """Return an interval as ` [low, high]`, an open end as a dash; nothing without one."""
    if limits is None:
        return ""
    low, high = (html.NO_VALUE if end is None else format(end, form) for end in limits)
    return f" [{low}, {high}]"
