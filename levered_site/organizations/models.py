"""Tables of organizations: members, API keys, audit entries, idempotent responses."""

import uuid
from datetime import datetime

from django.db import models

from levered_site.limits import MAX_IDEMPOTENCY_KEY_LENGTH


class Organization(models.Model):
    """A team. Its id is Clerk's (`org_…`), so a token names it without a lookup."""

    id = models.CharField(primary_key=True, max_length=64)
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A person who has sent a valid token of the organization."""

    class Role(models.TextChoices):
        ADMIN = "admin"
        MEMBER = "member"

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="members"
    )
    user_id = models.CharField(max_length=128)
    role = models.CharField(max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("organization", "user_id"), name="member_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} ({self.role})"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Named queries of API keys."""

    def active(self) -> "ApiKeyQuerySet":
        """Return the keys that are not revoked."""
        return self.filter(revoked_at=None)


class ApiKey(models.Model):
    """A key of the ingestion API. Its secret is shown once; only a digest is stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="api_keys"
    )
    label = models.CharField(max_length=200)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.label} ({self.prefix}…)"


class AuditEntry(models.Model):
    """Who changed what, and as which kind of actor. Append only."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="audit_entries"
    )
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=128)
    action = models.CharField(max_length=64)
    target_type = models.CharField(max_length=64)
    target_id = models.CharField(max_length=64)
    target_name = models.CharField(max_length=200, blank=True)
    changes = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(
                fields=("organization", "-created_at"), name="audit_by_organization"
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.target_name}"


class IdempotentAnswer(models.Model):
    """The first response to a POST with an Idempotency-Key; kept 24 hours.

    `status` is null while the first request is in progress.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=500)
    key = models.CharField(max_length=MAX_IDEMPOTENCY_KEY_LENGTH)
    body_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField(null=True)
    created_at: "models.DateTimeField[datetime, datetime]" = models.DateTimeField(
        auto_now_add=True, db_index=True
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("organization", "method", "path", "key"),
                name="idempotent_answer_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.key}"
