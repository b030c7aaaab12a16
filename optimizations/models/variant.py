"""Variants of an optimization."""

from typing import Any

from django.db import models

from levered_site.level_texts import name_levels
from optimizations.models.optimization import Optimization


class VariantQuerySet(models.QuerySet["Variant"]):
    """Named queries of variants."""

    def with_screenshot_flag(self) -> "VariantQuerySet":
        """Select by number, with `has_screenshot` instead of the screenshots."""
        return self.flag_screenshots().order_by("number")

    def flag_screenshots(self) -> "VariantQuerySet":
        """Select `has_screenshot` instead of the screenshots."""
        has_screenshot = models.ExpressionWrapper(
            models.Q(screenshot__isnull=False), output_field=models.BooleanField()
        )
        return self.without_pictures().annotate(has_screenshot=has_screenshot)

    def without_pictures(self) -> "VariantQuerySet":
        """Select neither screenshots nor thumbnails."""
        return self.defer("screenshot", "thumbnail")


class Variant(models.Model):
    """One combination of levels; number 1 is the baseline."""

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="variants"
    )
    number = models.PositiveSmallIntegerField()
    variant_key = models.TextField()  # JSON, sorted keys, no spaces
    # Factor to value; in the order of factors by `order_levels`.
    levels: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField()
    enabled = models.BooleanField(default=True)
    excluded = models.BooleanField(default=False)  # by excluded_combinations
    screenshot = models.BinaryField(null=True, blank=True)
    # The top of the screenshot as WebP. Null where there is none, where it was uploaded
    # before there were thumbnails, and where it could not be drawn.
    thumbnail = models.BinaryField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = VariantQuerySet.as_manager()

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(
                fields=("optimization", "number"), name="variant_number_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} {name_levels(self.order_levels())}"

    def order_levels(self) -> dict[str, Any]:
        """Return the levels in the order of the factors, which the database loses."""
        factors = self.optimization.model.training_data_config["design_factors"]
        return {factor["name"]: self.levels[factor["name"]] for factor in factors}
