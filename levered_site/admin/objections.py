"""Objections to an admin action: listed in its dialogs, which then need a tick."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest
from django.template.loader import render_to_string
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldBooleanWidget

TICKED_FIELD = "in_spite_of_objections"
TICK_LABEL = "I have read this and want it all the same."
OBJECTIONS_TEMPLATE = "levered_admin/objections.html"


@dataclass(frozen=True, slots=True)
class Objections:
    """What speaks against an action on an object: sentences; without any, no tick."""

    list_sentences: Callable[[Any], Sequence[str]]


def has_ticked(request: HttpRequest) -> bool:
    """Return whether the user ticked that they want it in spite of the objections."""
    return TICKED_FIELD in request.POST


class DialogForm(BaseDialogForm):
    """The form of a dialog: it lists objections, if any, and then requires the tick."""

    def __init__(
        self,
        request: HttpRequest,
        object_id: Any = None,
        *,
        sentences: Sequence[str] = (),
        **options: Any,
    ) -> None:
        super().__init__(request, object_id, **options)
        self.sentences = sentences
        if sentences:
            self.fields[TICKED_FIELD] = forms.BooleanField(
                label=TICK_LABEL, widget=UnfoldBooleanWidget
            )

    def render_before_template(self) -> str:
        """Return the objections."""
        if not self.sentences:
            return ""
        return render_to_string(OBJECTIONS_TEMPLATE, {"sentences": self.sentences})
