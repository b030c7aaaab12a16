"""Metrics (what counts as success) and assignment sources (where exposures are)."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import models

from levered_site.organizations.models import Organization


class Metric(models.Model):
    """A customer's SQL whose rows are rewards, and how to read its columns."""

    class Direction(models.TextChoices):
        INCREASE = "increase"
        DECREASE = "decrease"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="metrics"
    )
    name = models.CharField(max_length=200)
    sql = models.TextField()
    column_mapping: "models.JSONField[dict[str, Any], dict[str, Any]]" = (
        models.JSONField()
    )
    outcomes: "models.JSONField[list[dict[str, Any]] | None, list[dict[str, Any]] | None]" = models.JSONField(
        null=True, blank=True
    )
    direction = models.CharField(
        max_length=16, choices=Direction.choices, default=Direction.INCREASE
    )
    # How far before going live the SQL's @start_date reaches.
    look_back_days = models.PositiveIntegerField(default=0, db_default=0)
    # What a conversion is worth, and the currency of that or of the values themselves.
    # They change no count.
    value_per_conversion = models.FloatField(null=True, blank=True)
    currency = models.CharField(max_length=3, null=True, blank=True)
    # A new one with each change of what is counted, which opens a regime of each
    # optimization that is live with the metric. A change that is taken back brings the
    # one before back. MetricRevision has the definitions that were replaced.
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    # What looked wrong when it was last saved by this process; not stored.
    warnings: Sequence[str] = ()

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return self.name

    @property
    def reward_type(self) -> str:
        """`bool`, `numeric`, or `outcomes` where weighted outcomes are defined."""
        if self.outcomes:
            return "outcomes"
        return str(self.column_mapping["reward_type"])


class MetricRevision(models.Model):
    """A definition that a metric had before it was changed.

    The regimes of that time are counted by it for good. It may be the present one again.
    """

    metric = models.ForeignKey(Metric, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    sql = models.TextField()
    column_mapping: "models.JSONField[dict[str, Any], dict[str, Any]]" = (
        models.JSONField()
    )
    outcomes: "models.JSONField[list[dict[str, Any]] | None, list[dict[str, Any]] | None]" = models.JSONField(
        null=True, blank=True
    )
    look_back_days = models.PositiveIntegerField(default=0, db_default=0)
    replaced_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(
                fields=("metric", "number"), name="metric_revision_once"
            )
        ]

    def __str__(self) -> str:
        return f"revision {self.number}"


class AssignmentSource(models.Model):
    """Where exposures live in a connected warehouse."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="assignment_sources"
    )
    name = models.CharField(max_length=200)
    sql = models.TextField()
    is_default = models.BooleanField(default=False)
    column_mapping: "models.JSONField[dict[str, Any], dict[str, Any]]" = (
        models.JSONField()
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(null=True, blank=True)

    # What looked wrong when it was last saved by this process; not stored.
    warnings: Sequence[str] = ()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=("organization",),
                condition=models.Q(is_default=True),
                name="one_default_assignment_source",
            )
        ]

    def __str__(self) -> str:
        return self.name
