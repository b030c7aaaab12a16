"""One thing that happened, as the stream shows it and as its CSV has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from levered_site.organizations.audit_changes import FieldChange
from optimizations.admin.history_page.note_form import NoteForm

Kind = Literal["period", "training", "change", "note"]
KIND_TITLES: Final[Mapping[Kind, str]] = {
    "period": "Measuring periods",
    "training": "Trainings",
    "change": "Changes",
    "note": "Notes",
}
ICONS: Final[Mapping[Kind, str]] = {
    "period": "timeline",
    "training": "model_training",
    "change": "edit",
    "note": "sticky_note_2",
}


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """What happened, when, and who did it.

    Attributes
    ----------
    at: the moment; of a note the end of its day, so that it stands above all of it.
    code: what the API calls it: an action, a reason, the cause of a version.
    actor: who did it, as the audit log has it; `who` is the same in words.
    note: of a note, the form that changes it.

    """

    kind: Kind
    at: datetime
    title: str
    code: str
    sentences: Sequence[str] = ()
    changes: Sequence[FieldChange] = ()
    actor: str = ""
    who: str = ""
    url: str = ""
    is_failed: bool = False
    note: NoteForm | None = None

    @property
    def icon(self) -> str:
        """The picture of its kind."""
        return "error" if self.is_failed else ICONS[self.kind]


@dataclass(frozen=True, slots=True)
class Span:
    """How much of the stream to load: `limit` of each kind, from before a moment."""

    limit: int
    before: datetime | None = None
