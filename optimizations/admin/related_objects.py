"""Admin pages of variants, regimes, cube days and published days."""

from typing import Any

from django.contrib import admin
from django.db.models.functions import Length
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from typing_extensions import override
from unfold.enums import ActionVariant

from levered_site.admin import html
from levered_site.admin.actions import AdminAction, AdminActionsMixin
from levered_site.admin.columns import declare_column
from levered_site.admin.filters import VisibleRowsFilter
from levered_site.admin.pages import ReadOnlyAdmin
from levered_site.level_texts import name_levels
from levered_site.organizations.admin import OrganizationAdminMixin, get_staff_actor
from optimizations.admin import screenshot_upload
from optimizations.configuration import create_update
from optimizations.cube import storage
from optimizations.models import CubeDay, PublishedDay, Regime, Variant

CELL_COLUMNS = (
    *("regime", "policy_version", "holdout", "variant", "context", "outcome"),
    *("mature", "users", "exposures", "converted", "value_sum"),
)
MAX_CELLS = 50


@admin.register(Variant)
class VariantAdmin(AdminActionsMixin, ReadOnlyAdmin, OrganizationAdminMixin):
    """Combinations of levels. Disabling one publishes a new policy at once."""

    organization_path = "optimization__organization_id"

    list_display = ("number", "optimization", "name", "state", "updated_at")
    list_display_links = ("number",)
    list_filter = ("enabled", "excluded", ("optimization", VisibleRowsFilter))
    list_select_related = ("optimization__model",)
    search_fields = ("optimization__id__exact", "optimization__name", "variant_key")
    ordering = ("-optimization__updated_at", "optimization_id", "number")
    fields = (
        "optimization",
        ("number", "state"),
        "key",
        "levels_table",
        "screenshot_image",
        "updated_at",
    )
    admin_actions = (
        AdminAction(
            name="enable",
            title="Enable",
            question=lambda variant: f"Enable the variant “{variant}”?",
            confirmation_text=(
                "The variant may be served again from the next policy on."
            ),
            success_message="Enabled: {}",
            run=lambda variant, request: set_variant_enabled(
                variant, request, enabled=True
            ),
            icon="toggle_on",
            variant=ActionVariant.SUCCESS,
            is_offered=lambda variant: not variant.enabled,
        ),
        AdminAction(
            name="disable",
            title="Disable",
            question=lambda variant: f"Disable the variant “{variant}”?",
            confirmation_text=(
                "The variant is not served from now on. Users assigned to it are "
                "assigned again."
            ),
            success_message="Disabled: {}",
            run=lambda variant, request: set_variant_enabled(
                variant, request, enabled=False
            ),
            icon="toggle_off",
            variant=ActionVariant.WARNING,
            is_offered=lambda variant: variant.enabled and variant.number > 1,
            confirm_selection=True,
        ),
    )

    @override
    def get_urls(self) -> Any:
        """Add the page that uploads a screenshot."""
        return [*screenshot_upload.build_urls(self), *super().get_urls()]

    @override
    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Offer the upload to those who may change the variant."""
        if not self.has_role(request, "editor", obj):
            return self.fields
        return (*self.fields[:-1], "screenshot_link", self.fields[-1])

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Load whether there is a screenshot; browsers ask for the picture itself."""
        rows: Any = super().get_queryset(request)
        return rows.flag_screenshots()

    @declare_column("Variant")
    def name(self, variant: Variant) -> str:
        """The variant's levels, as people speak of it."""
        return name_levels(variant.order_levels())

    @declare_column("Key in the API")
    def key(self, variant: Variant) -> SafeString:
        """The variant's key."""
        return html.render_code(variant.variant_key)

    @declare_column("State", pills=True)
    def state(self, variant: Variant) -> str:
        """Whether the variant is enabled, disabled or excluded."""
        if variant.excluded:
            return "excluded"
        return "enabled" if variant.enabled else "disabled"

    @declare_column("Levels")
    def levels_table(self, variant: Variant) -> SafeString:
        """The level of each factor."""
        return html.render_table(("factor", "level"), variant.order_levels().items())

    @declare_column("Screenshot")
    def screenshot_image(self, variant: Variant) -> SafeString | str:
        """The PNG that was uploaded."""
        return screenshot_upload.render_screenshot(variant)

    @declare_column("")
    def screenshot_link(self, variant: Variant) -> SafeString:
        """The link to the page that uploads one."""
        return screenshot_upload.render_upload_link(variant)


def set_variant_enabled(
    variant: Variant, request: HttpRequest, *, enabled: bool
) -> None:
    """Enable or disable a variant, as the staff user of the request."""
    create_update.set_variant_enabled(
        variant.optimization, variant.number, get_staff_actor(request), enabled=enabled
    )


@admin.register(Regime)
class RegimeAdmin(ReadOnlyAdmin, OrganizationAdminMixin):
    """Periods with one configuration."""

    organization_path = "optimization__organization_id"

    list_display = (
        "starts_at",
        "optimization",
        "number",
        "holdout",
        "variants",
        "metric",
        "reason",
    )
    list_filter = (("optimization", VisibleRowsFilter),)
    list_select_related = ("optimization", "metric")
    search_fields = ("optimization__id__exact", "optimization__name", "reason")
    ordering = ("-starts_at", "-id")
    fields = (
        ("optimization", "number", "starts_at"),
        ("holdout", "window_hours", "horizon_hours"),
        ("metric", "metric_revision"),
        "variants",
        "reason",
    )

    @declare_column("Holdout", order="holdout_percentage")
    def holdout(self, regime: Regime) -> str:
        """The percentage of users held out."""
        return html.format_percent(regime.holdout_percentage)

    @declare_column("Served variants")
    def variants(self, regime: Regime) -> str:
        """The numbers of the variants that may be served."""
        return ", ".join(str(number) for number in regime.enabled)


@admin.register(CubeDay)
class CubeDayAdmin(ReadOnlyAdmin, OrganizationAdminMixin):
    """The counts of one first-touch day, from which all figures are computed."""

    organization_path = "optimization__organization_id"

    list_display = ("day", "optimization", "metric", "sealed", "size", "computed_at")
    list_filter = ("sealed", ("optimization", VisibleRowsFilter))
    list_select_related = ("optimization", "metric")
    search_fields = ("optimization__id__exact", "optimization__name")
    ordering = ("-day", "-id")
    fields = (
        ("optimization", "metric"),
        ("day", "sealed", "computed_at"),
        "counts",
    )

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Load the size of the cells instead of the cells."""
        size = Length("cells")
        return super().get_queryset(request).defer("cells").annotate(bytes_count=size)

    @declare_column("Size", order="bytes_count")
    def size(self, day: Any) -> str:
        """The stored size of the cells."""
        return filesizeformat(day.bytes_count)

    @declare_column("Cells")
    def counts(self, day: CubeDay) -> SafeString | str:
        """The cells with the most users, decoded."""
        decoded = storage.decode_day(day.day, bytes(day.cells))
        if decoded is None or not decoded.cells:
            return "No user had a first touch on this day."
        largest = sorted(decoded.cells, key=lambda cell: -cell.users)
        table = html.render_table(
            CELL_COLUMNS,
            (
                [getattr(cell, name) for name in CELL_COLUMNS]
                for cell in largest[:MAX_CELLS]
            ),
        )
        is_cut = len(largest) > MAX_CELLS
        note = f"{MAX_CELLS} of {len(largest)}" if is_cut else ""
        return format_html("{}{}", table, note)


@admin.register(PublishedDay)
class PublishedDayAdmin(ReadOnlyAdmin, OrganizationAdminMixin):
    """The lift as published on a day; it never changes afterwards."""

    organization_path = "optimization__organization_id"

    list_display = ("day", "optimization", "published_at")
    list_filter = (("optimization", VisibleRowsFilter),)
    list_select_related = ("optimization",)
    search_fields = ("optimization__id__exact", "optimization__name")
    ordering = ("-day", "-id")
    fields = (("optimization", "day", "published_at"), "figures_json")

    @declare_column("Figures")
    def figures_json(self, day: PublishedDay) -> SafeString:
        """The published figures."""
        return html.render_json(day.figures)
