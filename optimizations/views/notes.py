"""Endpoints: the notes of an optimization, which charts show on their days."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from levered_site.organizations.viewsets import (
    CreateViewSet,
    DeleteViewSet,
    ListViewSet,
    RetrieveViewSet,
    UpdateViewSet,
)
from optimizations.configuration import notes
from optimizations.models import Note, Optimization
from optimizations.serializers.notes import NoteBodySerializer, NoteSerializer


class NoteViewSet(
    ListViewSet[Note],
    CreateViewSet[Note],
    RetrieveViewSet[Note],
    UpdateViewSet[Note],
    DeleteViewSet[Note],
):
    """Notes on days: what happened that the figures may show."""

    queryset = Note.objects.all()
    serializer_class = NoteSerializer
    create_serializer_class = NoteBodySerializer
    update_serializer_class = NoteBodySerializer
    list_name = "notes"

    def get_queryset(self) -> QuerySet[Note]:
        """Return the optimization's notes. Raise Http404 if it is not one's own."""
        if getattr(self, "swagger_fake_view", False):
            return Note.objects.none()
        return self._get_optimization().notes.select_related("optimization")

    def perform_create(self, fields: dict[str, Any]) -> Note:
        """Store a note by whoever sends it."""
        return notes.create_note(self._get_optimization(), fields, self.actor)

    def perform_update(self, instance: Note, fields: dict[str, Any]) -> Note:
        """Change its date or text."""
        return notes.change_note(instance, fields, self.actor)

    def perform_destroy(self, instance: Note) -> None:
        """Delete it."""
        notes.delete_note(instance, self.actor)

    def _get_optimization(self) -> Optimization:
        own = Optimization.objects.filter(
            organization_id=self.organization_id, deleted_at=None
        )
        return get_object_or_404(own, pk=self.kwargs["optimization_id"])
