"""The admin page of a policy version, with its table decoded."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from typing_extensions import override

from levered_site.admin import html
from levered_site.admin.columns import declare_column
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.admin.pages import ReadOnlyAdmin
from levered_site.organizations.admin import OrganizationAdminMixin
from models_app.admin import html_tables
from models_app.models import PolicyVersion


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin, OrganizationAdminMixin):
    """Published allocations; they are immutable, so that decisions can be explained."""

    organization_path = "model__organization_id"

    list_display = ("version", "model_name", "cause", "table_size", "created_at")
    list_filter = ("cause", ("model__organization", VisibleRowsFilter))
    list_select_related = ("model__optimization",)
    search_fields = ("model__id__exact", "model__optimization__name")
    ordering = ("-created_at", "-id")
    fields = (
        ("model_name", "version", "cause"),
        ("created_at", "training"),
        "enabled_variants",
        "allocation",
        "figures",
    )

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Load a version's tables only where a page shows them."""
        rows = super().get_queryset(request).select_related("model__optimization")
        return rows.defer("probabilities", "prob_best", "report")

    @declare_column("Version", order="number")
    def version(self, version: PolicyVersion) -> str:
        """The number within the model, and whether the version serves."""
        serves = version.number == version.model.policy_version
        return f"{version.number} (serving)" if serves else str(version.number)

    @declare_column("Model", order="model__optimization__name")
    def model_name(self, version: PolicyVersion) -> SafeString | str:
        """The model, linked by the name of its optimization."""
        title = getattr(version.model, "optimization", version.model)
        return html.render_link(version.model, title)

    @declare_column("Size")
    def table_size(self, version: PolicyVersion) -> str:
        """The number of contexts and variants."""
        return f"{version.segments} by {version.variants}"

    @declare_column("Training")
    def training(self, version: PolicyVersion) -> SafeString | str:
        """The training run that made the version."""
        return html.render_link(version.training_run)

    @declare_column("Served variants")
    def enabled_variants(self, version: PolicyVersion) -> str:
        """The numbers of the variants that this version may serve."""
        return ", ".join(str(number) for number in version.enabled)

    @declare_column("Probability of each variant")
    def allocation(self, version: PolicyVersion) -> SafeString:
        """The first contexts and variants of the table."""
        return html_tables.render_allocation(version)

    @declare_column("Report")
    def figures(self, version: PolicyVersion) -> SafeString | str:
        """The training's figures per variant."""
        return html_tables.render_report(version)
