"""Candidates: alternative learning settings, trained beside the live model."""

from typing import Any

from django.db import models

from models_app.models import TrainingRun
from optimizations.models.optimization import Optimization


class Candidate(models.Model):
    """Learning settings to compare with those of the live model. Never served."""

    optimization = models.OneToOneField(
        Optimization, on_delete=models.CASCADE, related_name="candidate"
    )
    # The three settings of an optimization that learning depends on.
    allocation = models.CharField(
        max_length=16, choices=Optimization.Allocation.choices
    )
    exploration_share = models.FloatField()
    ignored_context_factors: "models.JSONField[list[str], list[str]]" = (
        models.JSONField(default=list)
    )
    # The report of the newest table, in the form of a policy version's report.
    report: "models.JSONField[dict[str, Any] | None, dict[str, Any] | None]" = (
        models.JSONField(null=True)
    )
    error = models.TextField(blank=True)  # why the newest training created no table
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(exploration_share__range=(0, 0.2)),
                name="candidate_exploration_share_in_range",
            )
        ]

    def __str__(self) -> str:
        return f"candidate of {self.optimization_id}"


class CandidateTable(models.Model):
    """The table that a candidate would have served instead of a policy version."""

    candidate = models.ForeignKey(
        Candidate, on_delete=models.CASCADE, related_name="tables"
    )
    number = models.PositiveIntegerField()  # of the version trained in the same run
    training_run = models.ForeignKey(
        TrainingRun, on_delete=models.CASCADE, related_name="+"
    )
    # As in PolicyVersion: little-endian float64 [segments, variants].
    # `segments` is the number of context cells.
    probabilities = models.BinaryField()
    prob_best = models.BinaryField()
    segments = models.PositiveIntegerField()
    variants = models.PositiveIntegerField()
    enabled: "models.JSONField[list[int], list[int]]" = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(
                fields=("candidate", "number"), name="candidate_table_once"
            )
        ]

    def __str__(self) -> str:
        return f"beside version {self.number}"
