"""Notes on days of an optimization, in requests and responses."""

from datetime import UTC, date, timedelta

from django.utils import timezone
from rest_framework import serializers

from levered_site.api.fields import StrictCharField
from levered_site.api.serializers import StrictSerializer
from optimizations.models import Note
from optimizations.models.note import MAX_NOTE_LENGTH

FIRST_DATE = date(2000, 1, 1)
DAYS_AHEAD = 366
DATE_HELP = "The day in UTC that the note is about, up to a year ahead."


class NoteBodySerializer(StrictSerializer):
    """The body of a new note, or of a change."""

    date = serializers.DateField(
        required=False, help_text=f"{DATE_HELP} Today where a new note has none."
    )
    text = StrictCharField(max_length=MAX_NOTE_LENGTH)

    def validate_date(self, day: date) -> date:
        """Return the day. Raise ValidationError for one that no chart would show."""
        latest = timezone.now().astimezone(UTC).date() + timedelta(days=DAYS_AHEAD)
        if not FIRST_DATE <= day <= latest:
            raise serializers.ValidationError(
                f"must be a day from {FIRST_DATE} to {latest}, a year ahead"
            )
        return day


class NoteSerializer(serializers.ModelSerializer[Note]):
    """A note in responses."""

    date = serializers.DateField(help_text=DATE_HELP)
    author = serializers.CharField(
        help_text="Who wrote it, such as `user:user_alice` or `key:` with the id of one."
    )

    class Meta:
        model = Note
        fields = ("id", "date", "text", "author", "created_at", "updated_at")
