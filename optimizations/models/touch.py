"""First touches of users, stored apart from the events."""

from django.db import models


class FirstTouch(models.Model):
    """When a user was first touched, so that a refresh need not read all history.

    The table holds all touches before `LookBack.until` of the optimization. The
    partitions of their events may be gone. Only `cube.first_touches` writes rows.
    """

    pk = models.CompositePrimaryKey("optimization_id", "anonymous_id")
    optimization_id = models.UUIDField()
    anonymous_id = models.TextField()
    organization_id = models.CharField(max_length=64)
    touched_at = models.DateTimeField()
    served_at = models.DateTimeField(null=True)  # first receipt, where there is one

    class Meta:
        db_table = "first_touches"

    def __str__(self) -> str:
        return f"{self.anonymous_id}: {self.touched_at:%Y-%m-%d %H:%M}"


class LookBack(models.Model):
    """Until when an optimization's first touches are stored."""

    optimization_id = models.UUIDField(primary_key=True)
    organization_id = models.CharField(max_length=64)
    first_at = models.DateTimeField(null=True)  # the earliest touch; null without any
    until = models.DateTimeField()
    kept_at = models.DateTimeField()  # rows that arrived later may be missing

    class Meta:
        db_table = "look_backs"

    def __str__(self) -> str:
        return f"until {self.until:%Y-%m-%d %H:%M}"
