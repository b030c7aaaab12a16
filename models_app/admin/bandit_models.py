"""The admin page of a model: its design, its serving policy, its trainings."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from typing_extensions import override
from unfold.enums import ActionVariant

from levered_site.admin import html
from levered_site.admin.actions import AdminAction, AdminActionsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.admin.pages import ReadOnlyAdmin
from levered_site.api.csv_sections import RowSection
from levered_site.organizations.admin import CsvListMixin, get_staff_actor
from models_app import retirement, runs, versions
from models_app.admin import html_tables
from models_app.models import BanditModel, PolicyVersion, TrainingRun
from models_app.serializers import BanditModelSerializer


def request_training(model: BanditModel, request: HttpRequest) -> TrainingRun:
    """Queue a training, or join the open one, as the staff user of the request."""
    return runs.request_training(model, requested_by=str(get_staff_actor(request)))


@admin.register(BanditModel)
class BanditModelAdmin(AdminActionsMixin, ReadOnlyAdmin, CsvListMixin):
    """Models: their factors, status and serving policy."""

    list_display = (
        "name",
        "organization",
        "model_type",
        "state",
        "factors",
        "policy_version",
        "updated_at",
    )
    list_filter = ("status", "model_type", ("organization", VisibleRowsFilter))
    list_select_related = ("organization", "optimization")
    search_fields = ("id__exact", "optimization__name", "organization__name")
    csv_section = RowSection("models", BanditModelSerializer)
    fields = (
        ("owner", "organization"),
        ("model_type", "state", "policy_version"),
        ("created_at", "updated_at"),
        "design_table",
        "serving_table",
        "trainings",
    )
    admin_actions = (
        AdminAction(
            name="train",
            title="Train now",
            question=lambda model: f"Train the model “{model}” now?",
            confirmation_text=(
                "A worker fits the model to all observations and publishes the next "
                "policy. If a training is queued or running, none is added."
            ),
            success_message="Training requested: {}",
            run=request_training,
            icon="model_training",
            variant=ActionVariant.PRIMARY,
        ),
        AdminAction(
            name="retire",
            title="Delete",
            question=lambda model: f"Delete the model “{model}”?",
            confirmation_text=(
                "The model leaves the lists. Its policy versions stay, so that "
                "decisions can be explained. Archive the optimization that uses it "
                "first."
            ),
            success_message="Deleted: {}",
            run=lambda model, request: retirement.retire_model(
                model, get_staff_actor(request)
            ),
            icon="delete",
            variant=ActionVariant.DANGER,
            confirm_selection=True,
            role="owner",
        ),
    )

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the models that are not deleted."""
        return super().get_queryset(request).filter(deleted_at=None)

    @declare_column("Optimization", order="optimization__name")
    def name(self, model: BanditModel) -> str:
        """The name of the model's optimization, or the model's id."""
        optimization = getattr(model, "optimization", None)
        return str(optimization) if optimization else f"{model.id} (none)"

    @declare_column("Optimization")
    def owner(self, model: BanditModel) -> SafeString | str:
        """The optimization of the model, linked."""
        return html.render_link(getattr(model, "optimization", None))

    @declare_column("Status", order="status", pills=True)
    def state(self, model: BanditModel) -> str:
        """The status of the model."""
        return model.status

    @declare_column("Design")
    def factors(self, model: BanditModel) -> str:
        """The number of variants and contexts."""
        design = model.design
        variants = f"{design.variants} variants"
        return (
            f"{variants}, {design.context_cells} contexts"
            if design.contexts
            else variants
        )

    @declare_column("Factors")
    def design_table(self, model: BanditModel) -> SafeString:
        """Factors with their levels; the first levels together are the baseline."""
        design = model.design
        kinds = (("design", design.factors), ("context", design.contexts))
        return html.render_table(
            ("kind", "factor", "levels"),
            (
                (kind, factor.name, ", ".join(factor.levels))
                for kind, factors in kinds
                for factor in factors
            ),
        )

    @declare_column("Serving now")
    def serving_table(self, model: BanditModel) -> SafeString | str:
        """The first rows of the serving policy version."""
        try:
            version = versions.get_serving_version(model)
        except PolicyVersion.DoesNotExist:
            return "No policy is published before the optimization goes live."
        return html.render_link(version) + html_tables.render_allocation(version)

    @declare_column("Trainings")
    def trainings(self, model: BanditModel) -> SafeString | str:
        """The newest training runs."""
        return html_tables.render_runs(model)
