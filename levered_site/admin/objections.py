"""Objections to an admin action: listed in its dialogs, which then need a tick."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Model
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

    model: type[Model]
    list_sentences: Callable[[Any], Sequence[str]]


def has_ticked(request: HttpRequest) -> bool:
    """Return whether the user ticked that they want it in spite of the objections."""
    return TICKED_FIELD in request.POST


def build_dialog_form(objections: Objections) -> type[BaseDialogForm]:
    """Return the form of a dialog that lists the objections and requires the tick."""

    class ObjectionsForm(BaseDialogForm):
        def __init__(
            self, request: HttpRequest, object_id: Any = None, **options: Any
        ) -> None:
            super().__init__(request, object_id, **options)
            target = objections.model._default_manager.filter(pk=object_id).first()
            self.sentences = objections.list_sentences(target) if target else ()
            if self.sentences:
                self.fields[TICKED_FIELD] = forms.BooleanField(
                    label=TICK_LABEL, widget=UnfoldBooleanWidget
                )

        def render_before_template(self) -> str:
            if not self.sentences:
                return ""
            return render_to_string(OBJECTIONS_TEMPLATE, {"sentences": self.sentences})

    return ObjectionsForm
