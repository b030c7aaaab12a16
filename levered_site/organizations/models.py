"""Tables of organizations: members, staff, API keys, audit entries, repeats."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models

from levered_site.limits import MAX_IDEMPOTENCY_KEY_LENGTH
from levered_site.organizations import audit_words


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


class StaffMembership(models.Model):
    """What a staff user may do with an organization in the admin; superusers need none.

    A user with memberships is not deleted: each is removed first, with its audit entry.
    """

    class Role(models.TextChoices):
        VIEWER = "viewer"
        EDITOR = "editor"
        OWNER = "owner"

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="staff_memberships"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="staff_memberships",
    )
    role = models.CharField(max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "staff role"
        ordering = ("organization_id", "id")
        constraints = [
            models.UniqueConstraint(
                fields=("organization", "user"), name="staff_membership_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user.get_username()} ({self.role})"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Named queries of API keys."""

    def active(self) -> "ApiKeyQuerySet":
        """Return the keys that are not revoked; expired ones are among them."""
        return self.filter(revoked_at=None)


def list_default_scopes() -> list[str]:
    """Return the scopes of a key that was made without any: what keys could do first."""
    return ["ingest"]


class ApiKey(models.Model):
    """A key of a program. Its secret is shown once; only a digest is stored.

    While a rotation overlaps, two secrets work: `digest` is the new one's. A publishable
    key stands in web pages, so `public_key` holds it readable; it is "" for all others.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="api_keys"
    )
    label = models.CharField(max_length=200)
    scopes: "models.JSONField[list[str], list[str]]" = models.JSONField(
        default=list_default_scopes
    )
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    previous_prefix = models.CharField(max_length=16, blank=True, default="")
    previous_digest = models.CharField(
        max_length=64, unique=True, null=True, blank=True
    )
    previous_expires_at = models.DateTimeField(null=True, blank=True)
    public_key = models.CharField(max_length=64, blank=True, default="")
    # Of a publishable key: {"name", "min", "max"} each, and normalized origins.
    rewards: "models.JSONField[list[dict[str, Any]], list[dict[str, Any]]]" = (
        models.JSONField(default=list, blank=True)
    )
    origins: "models.JSONField[list[str], list[str]]" = models.JSONField(
        default=list, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.label} ({self.prefix}…)"

    def has_expired(self, now: datetime) -> bool:
        """Return whether the key stopped working at its `expires_at`."""
        return self.expires_at is not None and self.expires_at <= now

    def has_overlap(self, now: datetime) -> bool:
        """Return whether the secret before the last rotation works still."""
        if self.previous_expires_at is None or self.has_expired(now):
            return False
        return self.previous_expires_at > now


class AuditEntry(models.Model):
    """Who changed what, and as which kind of actor. Append only.

    Events of the installation, such as a failed log-in of staff, have no organization.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        Organization,
        on_delete=models.CASCADE,
        related_name="audit_entries",
        null=True,
        blank=True,
    )
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=128)
    action = models.CharField(max_length=64)
    target_type = models.CharField(max_length=64)
    target_id = models.CharField(max_length=64)
    target_name = models.CharField(max_length=200, blank=True)
    changes = models.JSONField(default=dict)
    # The earlier values of fields in `changes`, and of what was deleted. Null in entries
    # of earlier versions.
    before = models.JSONField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(
                fields=("organization", "-created_at"), name="audit_by_organization"
            ),
            models.Index(
                fields=("organization", "target_id", "-created_at"),
                name="audit_by_target",
            ),
        ]

    def __str__(self) -> str:
        words = audit_words.describe_action(self.action)
        return f"{words}: {self.target_name}" if self.target_name else words


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
