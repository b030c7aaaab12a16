"""The staff page of a model: its design, what serves, its trainings."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from typing_extensions import override
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.enums import ActionVariant

from levered_site.admin import html
from levered_site.admin.actions import AdminAction, AdminActionsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.pages import ReadOnlyAdmin
from levered_site.organizations.admin import get_staff_actor
from models_app import retirement, runs, versions
from models_app.admin import html_tables
from models_app.models import BanditModel, PolicyVersion, TrainingRun


def request_training(model: BanditModel, request: HttpRequest) -> TrainingRun:
    """Ask for a training as this member of staff; joins one that is open."""
    return runs.request_training(model, requested_by=str(get_staff_actor(request)))


@admin.register(BanditModel)
class BanditModelAdmin(AdminActionsMixin, ReadOnlyAdmin):
    """What is learned, and from which factors."""

    list_display = (
        "name",
        "organization",
        "model_type",
        "state",
        "factors",
        "policy_version",
        "updated_at",
    )
    list_filter = ("status", "model_type", ("organization", AutocompleteSelectFilter))
    list_select_related = ("organization", "optimization")
    search_fields = ("id__exact", "optimization__name", "organization__name")
    fields = (
        ("owner", "organization"),
        ("model_type", "state", "policy_version"),
        ("created_at", "updated_at"),
        "design_table",
        "current",
        "trainings",
    )
    admin_actions = (
        AdminAction(
            name="train",
            title="Train now",
            question="A worker fits the model to everything observed so far and "
            "publishes the next policy. A training that is open already is joined.",
            done="Training asked for: {}",
            act=request_training,
            icon="model_training",
            variant=ActionVariant.PRIMARY,
        ),
        AdminAction(
            name="retire",
            title="Delete",
            question="It leaves the lists; its versions stay, so that decisions can be "
            "explained. An optimization that uses it must be archived before.",
            done="Deleted: {}",
            act=lambda model, request: retirement.retire_model(
                model, get_staff_actor(request)
            ),
            icon="delete",
            variant=ActionVariant.DANGER,
            confirm=True,
        ),
    )

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Those that were not deleted."""
        return super().get_queryset(request).filter(deleted_at=None)

    @declare_column("Optimization", order="optimization__name")
    def name(self, model: BanditModel) -> str:
        """The optimization that it learns for, which has the name."""
        owner = getattr(model, "optimization", None)
        return str(owner) if owner is not None else f"{model.id} (none)"

    @declare_column("Optimization")
    def owner(self, model: BanditModel) -> SafeString | str:
        """The way to the optimization that it learns for."""
        return html.render_link(getattr(model, "optimization", None))

    @declare_column("Status", order="status", pills=True)
    def state(self, model: BanditModel) -> str:
        """Where it stands."""
        return model.status

    @declare_column("Design")
    def factors(self, model: BanditModel) -> str:
        """Its size in words."""
        design = model.design
        words = f"{design.variants} variants"
        return f"{words}, {design.segments} contexts" if design.contexts else words

    @declare_column("Factors")
    def design_table(self, model: BanditModel) -> SafeString:
        """Factors and levels; the first level of each design factor is the baseline."""
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
    def current(self, model: BanditModel) -> SafeString | str:
        """The table that serves, its beginning."""
        try:
            version = versions.get_serving_version(model)
        except PolicyVersion.DoesNotExist:
            return "Nothing is published before the optimization goes live."
        return html.render_link(version) + html_tables.render_allocation(version)

    @declare_column("Trainings")
    def trainings(self, model: BanditModel) -> SafeString | str:
        """The newest runs."""
        return html_tables.render_runs(model)
