"""Sticky assignments, and the receipts of the decisions behind them."""

from datetime import datetime

from django.db import models


class Assignment(models.Model):
    """The variant that a user keeps. Partitioned by hash of the optimization.

    The primary key is (optimization_id, anonymous_id). Only `serving.assignments`
    writes rows.
    """

    pk = models.CompositePrimaryKey("optimization_id", "anonymous_id")
    optimization_id = models.UUIDField()
    anonymous_id = models.TextField()
    variant_number = models.PositiveSmallIntegerField()
    in_holdout = models.BooleanField()
    policy_version = models.PositiveIntegerField()
    propensity = models.FloatField()
    decided_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField()
    decision_id = models.BigIntegerField()  # the receipt of this assignment
    # How often the user was drawn again, because the variant could not be served.
    redraws = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "assignments"

    def __str__(self) -> str:
        return f"{self.anonymous_id}: variant {self.variant_number}"


class Decision(models.Model):
    """The receipt of a first serve or a redraw. Append only, partitioned by day.

    `id` is a random number drawn before the assignment is claimed, so that a claim sent
    twice writes one receipt. In the table the key is (decided_at, id).
    """

    class DrawRule(models.IntegerChoices):
        """How a variant is drawn; `serving.explanation` replays by it."""

        CUMULATIVE = 0  # by the running sum of the row; receipts before release 0.2
        RENDEZVOUS = 1

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
    # The default is that of processes which know no other rule, during an upgrade.
    draw_rule = models.PositiveSmallIntegerField(
        choices=DrawRule.choices,
        default=DrawRule.CUMULATIVE,
        db_default=DrawRule.CUMULATIVE,
    )
    # 0 for a first serve, k for the k-th redraw of the user.
    redraw = models.PositiveSmallIntegerField(default=0, db_default=0)

    class Meta:
        db_table = "decisions"

    def __str__(self) -> str:
        return f"{self.anonymous_id}: variant {self.variant_number}"
