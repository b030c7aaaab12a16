"""When each user was first touched, kept apart from the events."""

from django.db import models


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
