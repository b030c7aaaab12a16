"""The form of a note, with what was typed and what is wrong with it."""

from dataclasses import dataclass

from django.utils import timezone

from optimizations.models.note import MAX_NOTE_LENGTH


@dataclass(frozen=True, slots=True)
class NoteForm:
    """A note's fields as the page has them; without an id it is a new one."""

    day: str
    text: str = ""
    note_id: str = ""
    day_error: str = ""
    text_error: str = ""
    error: str = ""
    max_length: int = MAX_NOTE_LENGTH

    @property
    def key(self) -> str:
        """What makes the ids of its fields unique on a page."""
        return self.note_id or "new"


def build_empty_form() -> NoteForm:
    """Return the form of a new note, about today."""
    return NoteForm(day=f"{timezone.now():%Y-%m-%d}")
