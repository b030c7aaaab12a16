"""The organization's connection, and the tables of the managed store."""

import uuid
from collections.abc import Sequence

from django.contrib.postgres.indexes import BrinIndex
from django.db import models

from levered_site.limits import MAX_IDEMPOTENCY_KEY_LENGTH
from levered_site.organizations.models import Organization


class Connection(models.Model):
    """An organization's one connection; without a row it uses the managed store."""

    class Provider(models.TextChoices):
        BIGQUERY = "bigquery"
        SNOWFLAKE = "snowflake"
        POSTGRES = "postgres"
        MANAGED = "managed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.OneToOneField(
        Organization, on_delete=models.CASCADE, related_name="connection"
    )
    provider = models.CharField(max_length=16, choices=Provider.choices)
    project_id = models.CharField(max_length=200, blank=True)
    dataset_id = models.CharField(max_length=200, blank=True)
    credentials = models.BinaryField(null=True, editable=False)  # encrypted
    # Names the warehouse without its secrets; a change of it begins a new regime.
    place = models.CharField(max_length=16, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    # What the role may do and should not, once this process has tested it; not stored.
    warnings: Sequence[str] = ()

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.provider}"


class ManagedExposure(models.Model):
    """One exposure sent to the API. The table is partitioned by day of `timestamp_utc`."""

    id = models.BigAutoField(primary_key=True)
    organization_id = models.CharField(max_length=64)
    optimization_id = models.UUIDField()
    anonymous_id = models.TextField()
    variant = models.TextField()  # the variant_key: one text per variant
    context = models.TextField()  # JSON of the configured factors, sorted keys
    policy_version = models.IntegerField(null=True)
    timestamp_utc = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "managed_exposures"

    def __str__(self) -> str:
        return f"{self.anonymous_id} saw {self.variant}"


class ManagedReward(models.Model):
    """One reward sent to the API. The table is partitioned by day of `timestamp_utc`."""

    id = models.BigAutoField(primary_key=True)
    organization_id = models.CharField(max_length=64)
    optimization_id = models.UUIDField(null=True)
    anonymous_id = models.TextField()
    name = models.TextField()
    value = models.FloatField()
    properties = models.JSONField(null=True)
    timestamp_utc = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        db_table = "managed_rewards"

    def __str__(self) -> str:
        return f"{self.anonymous_id}: {self.name}"


class LateDay(models.Model):
    """A past day (UTC) that received late events of an organization, and when last."""

    pk = models.CompositePrimaryKey("organization_id", "day")
    organization_id = models.CharField(max_length=64)
    day = models.DateField()
    noted_at = models.DateTimeField()

    class Meta:
        db_table = "late_days"

    def __str__(self) -> str:
        return f"{self.organization_id}: {self.day}"


class KeptSince(models.Model):
    """The first day (UTC) whose events were never dropped: at most one row.

    Earlier days stay incomplete, even if retention grows or some of their events are
    sent again.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    day = models.DateField()

    class Meta:
        db_table = "kept_since"

    def __str__(self) -> str:
        return str(self.day)


class EventKey(models.Model):
    """The idempotency ledger of ingestion, kept for 7 days.

    Not partitioned: a unique key on a partitioned table must contain the day, so a
    retry after midnight would count twice. The database's function `claim_event_keys`
    writes rows, see migration 0011. In the table the key is a unique constraint, `key` first.
    """

    pk = models.CompositePrimaryKey("organization_id", "endpoint", "key")
    organization_id = models.CharField(max_length=64)
    endpoint = models.CharField(max_length=16)
    key = models.CharField(max_length=MAX_IDEMPOTENCY_KEY_LENGTH)
    # Of the event, as optimizations.ingestion.event_digests computes it; null where a
    # version before 0011 stored the key.
    digest = models.BigIntegerField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "event_keys"
        # For the daily deletion, which reads one range of time.
        indexes = [BrinIndex(fields=["created_at"], name="event_keys_as_they_came")]

    def __str__(self) -> str:
        return self.key
