"""Forms of new optimizations that staff have not finished, or that have become one."""

import uuid

from django.conf import settings
from django.db import models

from optimizations.models.optimization import Optimization


class UnfinishedOptimization(models.Model):
    """What a staff user has answered so far in the form of a new optimization.

    It is in no list, and nothing but that form reads it. `answers` is JSON text, by step.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    answers = models.TextField()
    # What the form has created: a form that is sent twice creates one.
    optimization = models.ForeignKey(
        Optimization, null=True, on_delete=models.CASCADE, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-updated_at", "-id")

    def __str__(self) -> str:
        return str(self.pk)
