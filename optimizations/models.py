"""The conductor's things: optimizations, variants, regimes, locks, receipts, counts."""

import math
import uuid
from datetime import datetime
from typing import Any

from django.db import models

from levered_site.organizations.models import Organization
from metrics.models import AssignmentSource, Metric
from models_app.models import BanditModel


class OptimizationQuerySet(models.QuerySet["Optimization"]):
    """Reads of optimizations, in words."""

    def of(self, organization_id: str) -> "OptimizationQuerySet":
        """Those of one organization that were not deleted."""
        return self.filter(organization_id=organization_id, deleted_at=None)

    def live(self) -> "OptimizationQuerySet":
        """Those that serve and learn."""
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
    expected_users = models.PositiveBigIntegerField(null=True, blank=True)
    allowed_origins: "models.JSONField[list[str], list[str]]" = models.JSONField(
        default=list, blank=True
    )
    excluded_users: "models.JSONField[list[str], list[str]]" = models.JSONField(
        default=list, blank=True
    )
    # Grows with every change that serving must see; fetched copies compare it.
    snapshot_version = models.PositiveBigIntegerField(default=1)
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
                condition=models.Q(holdout_percentage__range=(0, 50)),
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
        """Numbers of the variants that may be served: enabled and not excluded."""
        rows = self.variants.filter(enabled=True, excluded=False)
        return list(rows.order_by("number").values_list("number", flat=True))

    def variants_count(self) -> int:
        """Count every combination of levels, also those that are not served."""
        design = self.model.training_data_config["design_factors"]
        return math.prod(len(factor["levels"]) for factor in design)


class VariantQuerySet(models.QuerySet["Variant"]):
    """Reads of variants, in words."""

    def with_screenshot_flag(self) -> "VariantQuerySet":
        """Without the pictures, but with `has_screenshot`; in order of their numbers."""
        pictured = models.ExpressionWrapper(
            models.Q(screenshot__isnull=False), output_field=models.BooleanField()
        )
        rows = self.defer("screenshot").annotate(has_screenshot=pictured)
        return rows.order_by("number")


class Variant(models.Model):
    """One combination of levels; number 1 is the baseline."""

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="variants"
    )
    number = models.PositiveSmallIntegerField()
    variant_key = models.TextField()  # JSON, sorted keys, no spaces
    levels: "models.JSONField[dict[str, Any], dict[str, Any]]" = (
        models.JSONField()
    )  # factor to value, in factor order
    enabled = models.BooleanField(default=True)
    excluded = models.BooleanField(default=False)  # by excluded_combinations
    screenshot = models.BinaryField(null=True, blank=True)
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
        return f"{self.number}: {self.variant_key}"


class Regime(models.Model):
    """A stretch of time with one configuration; results are stratified by it."""

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="regimes"
    )
    number = models.PositiveIntegerField()
    starts_at = models.DateTimeField()
    holdout_percentage = models.FloatField()
    enabled: "models.JSONField[list[int], list[int]]" = (
        models.JSONField()
    )  # variant numbers that may be served
    window_hours = models.PositiveIntegerField()
    horizon_hours = models.PositiveIntegerField()
    metric = models.ForeignKey(
        Metric, null=True, on_delete=models.PROTECT, related_name="+"
    )
    metric_revision = models.PositiveIntegerField(default=1)
    warehouse = models.CharField(max_length=16, default="managed")  # its provider
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(
                fields=("optimization", "number"), name="regime_number_once"
            )
        ]

    def __str__(self) -> str:
        return f"regime {self.number} from {self.starts_at:%Y-%m-%d %H:%M}"


class Assignment(models.Model):
    """The lock: which variant a user keeps. Partitioned by hash of the optimization.

    Its true key is (optimization_id, anonymous_id); written by `assignments` alone.
    """

    pk = models.CompositePrimaryKey("optimization_id", "anonymous_id")
    optimization_id = models.UUIDField()
    anonymous_id = models.TextField()
    variant_number = models.PositiveSmallIntegerField()
    in_holdout = models.BooleanField()
    policy_version = models.PositiveIntegerField()
    propensity = models.FloatField()
    decided_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    decision_id = models.BigIntegerField()  # the receipt of this lock

    class Meta:
        db_table = "assignments"

    def __str__(self) -> str:
        return f"{self.anonymous_id}: variant {self.variant_number}"


class Decision(models.Model):
    """The receipt of a first serve or a re-draw. Append only, partitioned by day.

    `id` is a random number, made before the lock is claimed, so that a claim sent twice
    writes one receipt; in the table the key is (decided_at, id).
    """

    id = models.BigIntegerField(primary_key=True)
    organization_id = models.CharField(max_length=64)
    optimization_id = models.UUIDField()
    anonymous_id = models.TextField()
    variant_number = models.PositiveSmallIntegerField()
    variant = models.TextField()  # variant_key
    context = models.TextField()  # JSON of the configured factors, sorted keys
    in_holdout = models.BooleanField()
    policy_version = models.PositiveIntegerField()
    propensity = models.FloatField()
    decided_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()

    class Meta:
        db_table = "decisions"

    def __str__(self) -> str:
        return f"{self.anonymous_id}: variant {self.variant_number}"


class FirstTouch(models.Model):
    """When a user was first touched: what a refresh asks instead of reading history.

    Holds all touches before the `until` of the optimization's LookBack, the partitions of
    which may be gone; written by `look_back` alone.
    """

    pk = models.CompositePrimaryKey("optimization_id", "anonymous_id")
    optimization_id = models.UUIDField()
    anonymous_id = models.TextField()
    organization_id = models.CharField(max_length=64)
    touched_at = models.DateTimeField()
    served_at = models.DateTimeField(null=True)  # by a serve record, where there is one

    class Meta:
        db_table = "first_touches"

    def __str__(self) -> str:
        return f"{self.anonymous_id}: {self.touched_at:%Y-%m-%d %H:%M}"


class LookBack(models.Model):
    """Until when an optimization's first touches are kept."""

    optimization_id = models.UUIDField(primary_key=True)
    organization_id = models.CharField(max_length=64)
    first_at = models.DateTimeField(null=True)  # the earliest of all; null: nobody
    until = models.DateTimeField()
    kept_at = models.DateTimeField()  # rows that came since may be missing

    class Meta:
        db_table = "look_backs"

    def __str__(self) -> str:
        return f"until {self.until:%Y-%m-%d %H:%M}"


class CubeDay(models.Model):
    """The observation cube's cells of one first-touch day, for one metric."""

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="cube_days"
    )
    metric = models.ForeignKey(Metric, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    sealed = models.BooleanField(default=False)
    computed_at = models.DateTimeField()
    cells = models.BinaryField()  # written and read by optimizations.cube alone

    class Meta:
        ordering = ("day",)
        constraints = [
            models.UniqueConstraint(
                fields=("optimization", "metric", "day"), name="cube_day_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day}"


class PublishedDay(models.Model):
    """Lift as it was published that day; never rewritten afterwards."""

    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="published_days"
    )
    day = models.DateField()
    figures: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField()
    published_at = models.DateTimeField()

    class Meta:
        ordering = ("day",)
        constraints = [
            models.UniqueConstraint(
                fields=("optimization", "day"), name="published_day_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day}"
