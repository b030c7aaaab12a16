"""Staff pages of an optimization's parts: variants, regimes, cube days, published days."""

import base64
from typing import Any

from django.contrib import admin
from django.db.models.functions import Length
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from typing_extensions import override
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.enums import ActionVariant

from levered_site.admin import html
from levered_site.admin.actions import Deed, WithDeeds
from levered_site.admin.columns import column
from levered_site.admin.pages import ReadOnly
from levered_site.organizations.admin import actor
from optimizations.configuration import create_update
from optimizations.cube import storage
from optimizations.models import CubeDay, PublishedDay, Regime, Variant

CELL = (
    *("regime", "policy_version", "holdout", "variant", "context", "outcome"),
    *("mature", "users", "exposures", "converted", "value_sum"),
)
CELLS = 50


@admin.register(Variant)
class VariantAdmin(WithDeeds, ReadOnly):
    """One combination of levels; disabling it publishes a new policy at once."""

    list_display = ("number", "optimization", "key", "state", "updated_at")
    list_display_links = ("number",)
    list_filter = ("enabled", "excluded", ("optimization", AutocompleteSelectFilter))
    list_select_related = ("optimization",)
    search_fields = ("optimization__id__exact", "optimization__name", "variant_key")
    ordering = ("-optimization__updated_at", "optimization_id", "number")
    fields = (
        "optimization",
        ("number", "state"),
        "key",
        "levels_table",
        "picture",
        "updated_at",
    )
    deeds = (
        Deed(
            name="enable",
            title="Enable",
            question="It may be served again, from the next policy on.",
            done="Enabled: {}",
            act=lambda variant, request: switch(variant, request, enabled=True),
            icon="toggle_on",
            variant=ActionVariant.SUCCESS,
            offered=lambda variant: not variant.enabled,
        ),
        Deed(
            name="disable",
            title="Disable",
            question="It is not served from now on; users who had it are drawn anew.",
            done="Disabled: {}",
            act=lambda variant, request: switch(variant, request, enabled=False),
            icon="toggle_off",
            variant=ActionVariant.WARNING,
            offered=lambda variant: variant.enabled and variant.number > 1,
            confirm=True,
        ),
    )

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave the pictures where they are until one is opened."""
        return super().get_queryset(request).defer("screenshot")

    @column("Variant")
    def key(self, variant: Variant) -> SafeString:
        """The variant's key."""
        return html.code(variant.variant_key)

    @column("State", pills=True)
    def state(self, variant: Variant) -> str:
        """Whether it may be served."""
        if variant.excluded:
            return "excluded"
        return "enabled" if variant.enabled else "disabled"

    @column("Levels")
    def levels_table(self, variant: Variant) -> SafeString:
        """Factor by factor."""
        return html.table(("factor", "level"), variant.levels.items())

    @column("Screenshot")
    def picture(self, variant: Variant) -> SafeString | str:
        """The PNG that was put there through the API."""
        if variant.screenshot is None:
            return html.NOTHING
        encoded = base64.b64encode(bytes(variant.screenshot)).decode()
        return format_html(
            '<img class="staff-shot" alt="Screenshot of variant {}" '
            'src="data:image/png;base64,{}">',
            variant.number,
            encoded,
        )


def switch(variant: Variant, request: HttpRequest, *, enabled: bool) -> None:
    """Enable or disable a variant as this member of staff."""
    create_update.set_variant_enabled(
        variant.optimization, variant.number, actor(request), enabled=enabled
    )


@admin.register(Regime)
class RegimeAdmin(ReadOnly):
    """Stretches of time with one configuration."""

    list_display = (
        "starts_at",
        "optimization",
        "number",
        "holdout",
        "variants",
        "metric",
        "reason",
    )
    list_filter = (("optimization", AutocompleteSelectFilter),)
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

    @column("Holdout", order="holdout_percentage")
    def holdout(self, regime: Regime) -> str:
        """The share of users that is held out."""
        return html.percent(regime.holdout_percentage)

    @column("Served variants")
    def variants(self, regime: Regime) -> str:
        """Numbers of the variants that may be served."""
        return ", ".join(str(number) for number in regime.enabled)


@admin.register(CubeDay)
class CubeDayAdmin(ReadOnly):
    """Counts of one first-touch day: what every figure is made from."""

    list_display = ("day", "optimization", "metric", "sealed", "size", "computed_at")
    list_filter = ("sealed", ("optimization", AutocompleteSelectFilter))
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
        """Tell the size of the cells without reading them."""
        size = Length("cells")
        return super().get_queryset(request).defer("cells").annotate(bytes_count=size)

    @column("Size", order="bytes_count")
    def size(self, day: Any) -> str:
        """How much is stored."""
        return filesizeformat(day.bytes_count)

    @column("Cells")
    def counts(self, day: CubeDay) -> SafeString | str:
        """The largest cells, decoded."""
        found = storage.read(day.day, bytes(day.cells))
        if found is None or not found.cells:
            return "Nobody came that day."
        largest = sorted(found.cells, key=lambda cell: -cell.users)
        shown = html.table(
            CELL,
            ([getattr(cell, name) for name in CELL] for cell in largest[:CELLS]),
        )
        return shown + f"{CELLS} of {len(largest)}" * (len(largest) > CELLS)


@admin.register(PublishedDay)
class PublishedDayAdmin(ReadOnly):
    """Lift as it was published that day; never rewritten."""

    list_display = ("day", "optimization", "published_at")
    list_filter = (("optimization", AutocompleteSelectFilter),)
    list_select_related = ("optimization",)
    search_fields = ("optimization__id__exact", "optimization__name")
    ordering = ("-day", "-id")
    fields = (("optimization", "day", "published_at"), "shown")

    @column("Figures")
    def shown(self, day: PublishedDay) -> SafeString:
        """What was published."""
        return html.document(day.figures)
