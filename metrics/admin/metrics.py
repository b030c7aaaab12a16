"""Admin pages of metrics: create, change and duplicate them, with a preview."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from typing_extensions import override
from unfold.enums import ActionVariant

from levered_site.admin import html
from levered_site.admin.actions import AdminAction, AdminActionsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.creation import CreatableAdmin
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.api.csv_sections import RowSection
from levered_site.organizations.admin import CsvListMixin, get_staff_actor
from metrics import definition
from metrics.admin import metric_layout, metric_preview
from metrics.admin.metric_form import MetricForm
from metrics.models import Metric
from metrics.serializers import MetricSerializer

PREVIEW_FIELD = "_preview"  # in a POST that shows what the SQL finds and saves nothing
ASKED = "asked"  # its value where somebody pressed the button
COPY_PARAMETER = "copy"


@admin.register(Metric)
class MetricAdmin(AdminActionsMixin, CreatableAdmin, CsvListMixin):
    """Metrics, defined by customers' SQL; saving a change runs the SQL first."""

    list_display = (
        *("name", "organization", "reward", "direction", "uses", "revision"),
        "created_at",
    )
    list_filter = ("direction", ("organization", VisibleRowsFilter))
    list_select_related = ("organization",)
    search_fields = ("id__exact", "name", "organization__name")
    ordering = ("-created_at", "-id")
    csv_section = RowSection("metrics", MetricSerializer)
    new_title = "New metric"
    form = add_form = MetricForm
    add_form_template = change_form_template = "levered_admin/metric/form.html"
    readonly_fields = (
        *("organization", "reward", "revision", "created_at", "updated_at"),
        *("query", "columns", "outcome_list"),
    )
    add_fieldsets = metric_layout.NEW
    fieldsets = metric_layout.CHANGE
    admin_actions = (
        AdminAction(
            name="forget",
            title="Delete",
            question=lambda metric: f"Delete the metric “{metric}”?",
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
    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return fields of a form only to those who may change the metric."""
        if obj is not None and not self.has_change_permission(request, obj):
            return metric_layout.VIEW
        layout = super().get_fieldsets(request, obj)
        has_outcomes = bool(obj.outcomes) if obj else COPY_PARAMETER in request.GET
        return metric_layout.open_outcomes(layout) if has_outcomes else layout

    @override
    def create_object(self, request: HttpRequest, form: Any) -> Metric:
        """Create the metric as the API's POST does: validate its SQL and run it."""
        organization = form.cleaned_data["organization"]
        return definition.create_metric(
            organization.pk, form.validated_body, get_staff_actor(request)
        )

    @override
    def apply_changes(
        self, request: HttpRequest, obj: Any, changes: dict[str, Any]
    ) -> None:
        """Change the metric as the API's PATCH does: validate its SQL and run it."""
        definition.update_metric(obj, changes, get_staff_actor(request))

    @override
    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return the fields of the metric that is duplicated, if one is."""
        key = request.GET.get(COPY_PARAMETER)
        if key is None:
            initial: dict[str, Any] = super().get_changeform_initial_data(request)
            return initial
        source = self.get_object(request, key)
        if source is None:
            raise Http404
        values = MetricForm.read_object(source)
        name = f"Copy of {source.name}"[:200]
        return values | {"name": name, "organization": source.organization_id}

    @override
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form, save it, or show what its SQL finds."""
        if request.method == "POST" and PREVIEW_FIELD in request.POST:
            return self._render_preview(request, object_id)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _render_preview(
        self, request: HttpRequest, object_id: str | None
    ) -> HttpResponse:
        metric = object_id and self.get_object(request, object_id)
        if object_id and metric is None:
            raise Http404
        allowed = (
            self.has_change_permission(request, metric)
            if metric
            else self.has_add_permission(request)
        )
        if not allowed:
            raise PermissionDenied
        names = flatten_fieldsets(self.get_fieldsets(request, metric or None))
        form_class = self.get_form(
            request, metric or None, change=bool(metric), fields=names
        )
        form = form_class(request.POST, instance=metric or None)
        form.is_valid()
        organization = metric or form.cleaned_data.get("organization")
        asked = request.POST[PREVIEW_FIELD] == ASKED
        context = {
            "form": form,
            "fields": [form[name] for name in metric_preview.PREVIEWED_FIELDS],
            "preview": metric_preview.preview_form(
                form, _get_organization_id(organization), asked=asked
            ),
        }
        return TemplateResponse(request, "levered_admin/metric/found.html", context)

    @override
    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Add where the metric is used, and whether it may be duplicated."""
        metric = context.get("original")
        context["has_preview"] = metric is None or self.has_change_permission(
            request, metric
        )
        if metric is not None:
            context["usage"] = metric_layout.find_usage(metric)
            context["may_copy"] = self.has_role(request, self.create_role, metric)
        return super().render_change_form(request, context, *args, **kwargs)

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super()
            .get_queryset(request)
            .annotate(
                reward_uses=_count_present("rewarded_optimizations"),
                guardrail_uses=_count_present("guarded_optimizations"),
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

    @declare_column("SQL")
    def query(self, metric: Metric) -> SafeString:
        """The customer's SQL."""
        return html.render_code_block(metric.sql)

    @declare_column("Columns")
    def columns(self, metric: Metric) -> SafeString:
        """The column of each role."""
        return html.render_table(("role", "column"), metric.column_mapping.items())

    @declare_column("Outcomes")
    def outcome_list(self, metric: Metric) -> SafeString | str:
        """What the outcomes are and weigh."""
        if not metric.outcomes:
            return html.NO_VALUE
        rows = [
            (outcome["key"], f"{match['by']} = {match['value']}", outcome["weight"])
            for outcome in metric.outcomes
            for match in (outcome["match"],)
        ]
        return html.render_table(("outcome", "where", "weight"), rows)


def _count_present(relation: str) -> Count:
    is_present = Q(**{f"{relation}__isnull": False, f"{relation}__deleted_at": None})
    return Count(relation, distinct=True, filter=is_present)


def _get_organization_id(owner: Any) -> str:
    """Return the id of a metric's organization, or of the chosen one; "" without it."""
    if isinstance(owner, Metric):
        return owner.organization_id
    return owner.pk if owner is not None else ""
