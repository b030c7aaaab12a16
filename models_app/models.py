"""The bandit model, its training runs, and its immutable policy versions."""

import uuid
from collections.abc import Collection
from datetime import datetime
from itertools import product
from typing import Any, Self

from django.db import models

from levered_site.database import release_buffers
from levered_site.level_texts import format_level
from levered_site.organizations.models import Organization
from models_app.bandit.design.design import Design, Factor

# The report of a policy version as the database keeps it: JSON.
StoredReport = dict[str, Any]


class BanditModelQuerySet(models.QuerySet["BanditModel"]):
    """Queries of bandit models."""

    def visible(self) -> "BanditModelQuerySet":
        """Return the models that are not deleted."""
        return self.filter(deleted_at=None)


class BanditModel(models.Model):
    """The bandit model; owns the design: factors, levels, contexts, reward, attribution."""

    class Type(models.TextChoices):
        MAB = "mab"
        CMAB = "cmab"

    class Status(models.TextChoices):
        UNTRAINED = "untrained"
        TRAINING = "training"
        TRAINED = "trained"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="bandit_models"
    )
    model_type = models.CharField(max_length=8, choices=Type.choices)
    status = models.CharField(
        max_length=16, choices=Status.choices, default=Status.UNTRAINED
    )
    # As in the API, but levels are always {"id", "value"}.
    training_data_config: "models.JSONField[dict[str, Any], dict[str, Any]]" = (
        models.JSONField()
    )
    # The number of the PolicyVersion that serves; 0 is uniform and exists after the launch.
    policy_version = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = BanditModelQuerySet.as_manager()

    class Meta:
        ordering = ("-updated_at", "-id")
        verbose_name = "model"

    def __str__(self) -> str:
        return f"{self.model_type} {self.id}"

    def combinations(self) -> list[dict[str, Any]]:
        """Return the levels of every variant, in the order of variant numbers."""
        factors = self.training_data_config["design_factors"]
        names = [factor["name"] for factor in factors]
        values = [[level["value"] for level in factor["levels"]] for factor in factors]
        return [dict(zip(names, row, strict=True)) for row in product(*values)]

    @property
    def design(self) -> Design:
        """The factors and contexts as the learner reads them, with levels as text."""
        config = self.training_data_config
        return Design(
            _build_factors(config["design_factors"]),
            _build_factors(config.get("context_factors") or []),
        )


def _build_factors(configs: list[dict[str, Any]]) -> tuple[Factor, ...]:
    return tuple(
        Factor(
            factor["name"],
            tuple(format_level(level["value"]) for level in factor["levels"]),
        )
        for factor in configs
    )


class TrainingRun(models.Model):
    """One training attempt.

    The worker that holds its lease sends heartbeats; without them the reaper sends the
    run to another worker.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    model = models.ForeignKey(
        BanditModel, on_delete=models.CASCADE, related_name="training_runs"
    )
    status = models.CharField(
        max_length=16, choices=Status.choices, default=Status.QUEUED
    )
    requested_by = models.CharField(max_length=160)
    bias: "models.JSONField[dict[str, float], dict[str, float]]" = models.JSONField(
        default=dict
    )
    progress = models.FloatField(default=0.0)
    rows_read = models.BigIntegerField(null=True)
    seconds: "models.JSONField[dict[str, float], dict[str, float]]" = models.JSONField(
        default=dict
    )
    # How often a worker started the run. It is the lease's token: a worker that was taken
    # for dead cannot record after its successor.
    attempts = models.PositiveSmallIntegerField(default=0)
    # How often the task was sent to the broker; spaces out further deliveries.
    sends = models.PositiveSmallIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    error = models.TextField(blank=True)
    in_sample_metrics: "models.JSONField[dict[str, Any] | None, dict[str, Any] | None]" = models.JSONField(
        null=True
    )
    policy_version = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    sent_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = [
            # One open run per model: a second request joins the first.
            models.UniqueConstraint(
                fields=("model",),
                condition=models.Q(status__in=("queued", "running")),
                name="one_open_run_per_model",
            )
        ]
        indexes = [
            # The reaper reads the open runs every few seconds.
            models.Index(
                fields=("heartbeat_at",),
                condition=models.Q(status__in=("queued", "running")),
                name="open_runs",
            ),
            # Lists read the newest run of each model.
            models.Index(fields=("model", "-created_at", "-id"), name="newest_runs"),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.id}"

    @property
    def notes(self) -> list[str]:
        """What went wrong although the run succeeded, such as a guardrail's count."""
        return list((self.in_sample_metrics or {}).get("notes", ()))


class PolicyVersion(models.Model):
    """A published allocation table; immutable, so that receipts can be replayed."""

    class Cause(models.TextChoices):
        START = "start"
        TRAINING = "training"
        VARIANTS = "variants"  # a variant was disabled, enabled or excluded

    model = models.ForeignKey(
        BanditModel, on_delete=models.CASCADE, related_name="policy_versions"
    )
    number = models.PositiveIntegerField()
    cause = models.CharField(max_length=16, choices=Cause.choices)
    training_run = models.ForeignKey(
        TrainingRun, null=True, on_delete=models.SET_NULL, related_name="versions"
    )
    # Little-endian float64 [segments, variants], row-major; see allocation_bytes.
    probabilities = models.BinaryField()
    prob_best = models.BinaryField(null=True)
    # The number of context cells.
    segments = models.PositiveIntegerField()
    variants = models.PositiveIntegerField()
    enabled: "models.JSONField[list[int], list[int]]" = (
        models.JSONField()
    )  # variant numbers
    report: "models.JSONField[dict[str, Any] | None, dict[str, Any] | None]" = (
        models.JSONField(null=True)
    )
    created_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        auto_now_add=True
    )

    class Meta:
        ordering = ("-number",)
        constraints = [
            models.UniqueConstraint(
                fields=("model", "number"), name="policy_version_once"
            )
        ]

    def __str__(self) -> str:
        return f"version {self.number}"

    @classmethod
    def from_db(
        cls,
        db: str | None,
        field_names: Collection[str],
        values: Collection[Any],
        **options: Any,
    ) -> Self:
        """Make the version of a row, whose tables may have megabytes."""
        tables = (each for each in values if isinstance(each, bytes | memoryview))
        # Each byte travels as two hex digits.
        release_buffers(2 * sum(map(len, tables)))
        return super().from_db(db, field_names, values, **options)
