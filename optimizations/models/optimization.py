"""Optimizations: their settings and their status."""

import math
import uuid
from typing import Any

from django.db import models

from levered_site.limits import MAX_HOLDOUT_PERCENTAGE
from levered_site.organizations.models import Organization
from metrics.models import AssignmentSource, Metric
from models_app.models import BanditModel


class OptimizationQuerySet(models.QuerySet["Optimization"]):
    """Named queries of optimizations."""

    def for_organization(self, organization_id: str) -> "OptimizationQuerySet":
        """Select an organization's optimizations that are not deleted."""
        return self.filter(organization_id=organization_id, deleted_at=None)

    def live(self) -> "OptimizationQuerySet":
        """Select the optimizations that serve and learn."""
        return self.filter(status=Optimization.Status.LIVE, deleted_at=None)


class Optimization(models.Model):
    """A search for the best variant of something, on live traffic."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        LIVE = "live"
        PAUSED = "paused"
        SHIPPED = "shipped"
        COMPLETED = "completed"
        ARCHIVED = "archived"

    class Allocation(models.TextChoices):
        DEFAULT = "default"
        THOMPSON = "thompson"
        UNIFORM = "uniform"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="optimizations"
    )
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status.choices)
    # What unarchiving goes back to; empty if it is not archived, or was before it was stored.
    status_before_archive = models.CharField(
        max_length=16, blank=True, default="", db_default=""
    )
    model = models.OneToOneField(
        BanditModel, on_delete=models.PROTECT, related_name="optimization"
    )
    reward_metric = models.ForeignKey(
        Metric,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="rewarded_optimizations",
    )
    guardrail_metrics = models.ManyToManyField(
        Metric, blank=True, related_name="guarded_optimizations"
    )
    assignment_source = models.ForeignKey(
        AssignmentSource, null=True, blank=True, on_delete=models.PROTECT
    )
    holdout_percentage = models.FloatField(default=10.0)
    excluded_combinations: "models.JSONField[list[dict[str, Any]], list[dict[str, Any]]]" = models.JSONField(
        default=list, blank=True
    )
    retrain_every_minutes = models.PositiveIntegerField(default=60)
    allocation = models.CharField(
        max_length=16, choices=Allocation.choices, default=Allocation.DEFAULT
    )
    exploration_share = models.FloatField(default=0.01)
    # Names of context factors that learning ignores since a candidate was promoted.
    ignored_context_factors: "models.JSONField[list[str], list[str]]" = (
        models.JSONField(default=list, blank=True)
    )
    expected_users = models.PositiveBigIntegerField(null=True, blank=True)
    allowed_origins: "models.JSONField[list[str], list[str]]" = models.JSONField(
        default=list, blank=True
    )
    excluded_users: "models.JSONField[list[str], list[str]]" = models.JSONField(
        default=list, blank=True
    )
    # Whether anybody may read the policy, to decide without asking the service.
    public_policy = models.BooleanField(default=False, db_default=False)
    # Increased by every change that serving must see; cached copies are compared by it.
    snapshot_version = models.PositiveBigIntegerField(default=1)
    # Moved by whatever may change assignments that processes remember.
    assignments_epoch = models.PositiveBigIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    went_live_at = models.DateTimeField(null=True, blank=True)
    shipped_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = OptimizationQuerySet.as_manager()

    class Meta:
        ordering = ("-updated_at", "-id")
        indexes = [
            models.Index(
                fields=("organization", "-updated_at", "-id"),
                name="optimization_newest",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    holdout_percentage__range=(0, MAX_HOLDOUT_PERCENTAGE)
                ),
                name="holdout_percentage_in_range",
            ),
            models.CheckConstraint(
                condition=models.Q(exploration_share__range=(0, 0.2)),
                name="exploration_share_in_range",
            ),
            models.CheckConstraint(
                condition=models.Q(retrain_every_minutes__range=(5, 10080)),
                name="retrain_every_minutes_in_range",
            ),
            models.CheckConstraint(
                condition=models.Q(status="draft")
                | models.Q(went_live_at=None, status="archived")
                | models.Q(went_live_at__isnull=False, reward_metric__isnull=False),
                name="live_with_a_reward_metric",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def servable(self) -> list[int]:
        """Return the numbers of the servable variants: enabled and not excluded."""
        rows = self.variants.filter(enabled=True, excluded=False)
        return list(rows.order_by("number").values_list("number", flat=True))

    def list_guardrails(self) -> list[Metric]:
        """Return the guardrail metrics by name."""
        metrics = self.guardrail_metrics.all()
        return sorted(metrics, key=lambda metric: (metric.name, str(metric.pk)))

    def variants_count(self) -> int:
        """Count all combinations of levels, including those that are not served."""
        design = self.model.training_data_config["design_factors"]
        return math.prod(len(factor["levels"]) for factor in design)
