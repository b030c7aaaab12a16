"""Notes of people on days of an optimization, which charts show."""

import uuid
from datetime import date as calendar_date

from django.db import models

from optimizations.models.optimization import Optimization

MAX_NOTE_LENGTH = 500


class Note(models.Model):
    """What happened on a day, in a person's words: a sale, a release, an outage."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    optimization = models.ForeignKey(
        Optimization, on_delete=models.CASCADE, related_name="notes"
    )
    date: "models.DateField[calendar_date, calendar_date]" = models.DateField()  # UTC
    text = models.CharField(max_length=MAX_NOTE_LENGTH)
    author = models.CharField(max_length=160)  # an actor, as in the audit log
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("date", "created_at")

    def __str__(self) -> str:
        return f"{self.date}: {self.text}"[:200]
