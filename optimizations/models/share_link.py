"""Links that show the results of an optimization to whoever has them."""

import uuid
from datetime import datetime

from django.db import models

from optimizations.models.optimization import Optimization

MAX_LABEL_LENGTH = 200


class ShareLinkQuerySet(models.QuerySet["ShareLink"]):
    """Named queries of share links."""

    def listed(self) -> "ShareLinkQuerySet":
        """Return the links that nobody has revoked; expired ones are among them."""
        return self.filter(revoked_at=None)

    def working(self, now: datetime) -> "ShareLinkQuerySet":
        """Return the links that open a page: neither revoked, expired nor deleted."""
        return self.listed().filter(
            expires_at__gt=now, optimization__deleted_at__isnull=True
        )


class ShareLink(models.Model):
    """A link to the results of an optimization. Its token is shown once, not stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="share_links"
    )
    label = models.CharField(max_length=MAX_LABEL_LENGTH, blank=True, default="")
    digest = models.CharField(max_length=64, unique=True)
    created_by = models.CharField(max_length=160)  # an actor, as in the audit log
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_opened_at = models.DateTimeField(null=True)
    times_opened = models.PositiveBigIntegerField(default=0)
    revoked_at = models.DateTimeField(null=True)

    objects = ShareLinkQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return self.label or f"link of {self.created_at:%Y-%m-%d}"

    def has_expired(self, now: datetime) -> bool:
        """Return whether the link stopped working at its `expires_at`."""
        return self.expires_at <= now
