"""The staff page of a policy version: its table decoded."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from typing_extensions import override
from unfold.contrib.filters.admin import AutocompleteSelectFilter

from levered_site.admin import html
from levered_site.admin.columns import declare_column
from levered_site.admin.pages import ReadOnlyAdmin
from models_app.admin import html_tables
from models_app.models import PolicyVersion


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    """A published allocation: immutable, so that a decision can be explained."""

    list_display = ("version", "model_name", "cause", "shape", "created_at")
    list_filter = ("cause", ("model__organization", AutocompleteSelectFilter))
    list_select_related = ("model__optimization",)
    search_fields = ("model__id__exact", "model__optimization__name")
    ordering = ("-created_at", "-id")
    fields = (
        ("model_name", "version", "cause"),
        ("created_at", "training"),
        "servable",
        "allocation",
        "figures",
    )

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Read the tables of the one that is opened, not of a whole list."""
        found = super().get_queryset(request)
        heavy = ("probabilities", "prob_best", "report")
        return found.defer(*heavy).select_related("model__optimization")

    @declare_column("Version", order="number")
    def version(self, version: PolicyVersion) -> str:
        """Its number within the model, and whether it serves."""
        serves = version.number == version.model.policy_version
        return f"{version.number} (serving)" if serves else str(version.number)

    @declare_column("Model", order="model__optimization__name")
    def model_name(self, version: PolicyVersion) -> SafeString | str:
        """The way to the model, by its optimization's name."""
        owner = getattr(version.model, "optimization", version.model)
        return html.render_link(version.model, owner)

    @declare_column("Size")
    def shape(self, version: PolicyVersion) -> str:
        """Contexts by variants."""
        return f"{version.segments} by {version.variants}"

    @declare_column("Training")
    def training(self, version: PolicyVersion) -> SafeString | str:
        """The run that made it."""
        return html.render_link(version.training_run)

    @declare_column("Served variants")
    def servable(self, version: PolicyVersion) -> str:
        """Numbers of the variants that this version may serve."""
        return ", ".join(str(number) for number in version.enabled)

    @declare_column("Probability of each variant")
    def allocation(self, version: PolicyVersion) -> SafeString:
        """The table decoded: its first contexts and variants."""
        return html_tables.render_allocation(version)

    @declare_column("Report")
    def figures(self, version: PolicyVersion) -> SafeString | str:
        """What the training said of every variant."""
        return html_tables.render_report(version.report)
