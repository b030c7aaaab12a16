"""Endpoints: metrics, and where a connected warehouse keeps exposures."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from levered_site.organizations.permissions import AdminFor
from levered_site.organizations.viewsets import (
    Creates,
    Deletes,
    Lists,
    OrganizationViewSet,
    Retrieves,
    Updates,
)
from metrics import definition, preview, sources
from metrics.models import AssignmentSource, Metric
from metrics.serializers import (
    LimitBody,
    MetricBody,
    MetricShape,
    SourceBody,
    SourceShape,
)
from warehouse.serializers import (
    PreviewBody,
    PreviewShape,
    SourcePreviewShape,
    preview_body,
    source_preview_body,
)


class MetricViewSet(
    Lists[Metric],
    Creates[Metric],
    Retrieves[Metric],
    Updates[Metric],
    Deletes[Metric],
):
    """What counts as success."""

    queryset = Metric.objects.all()
    serializer_class = MetricShape
    create_serializer_class = MetricBody
    update_serializer_class = MetricBody
    list_name = "metrics"
    permission_classes = [AdminFor("destroy")]

    def perform_create(self, fields: dict[str, Any]) -> Metric:
        """Prove its SQL, run it for one row, save it."""
        return definition.define(self.organization_id, fields, self.actor)

    def read_body(
        self, shape: type[BaseSerializer[Any]], *, partial: bool = False
    ) -> dict[str, Any]:
        """Read a change in the light of what is saved."""
        self.saved = self.get_object() if partial else None
        return super().read_body(shape, partial=partial)

    def get_serializer_context(self) -> dict[str, Any]:
        """Let the body's shape know the metric that it changes."""
        saved = getattr(self, "saved", None)
        return {**super().get_serializer_context(), "metric": saved}

    def perform_update(self, instance: Metric, fields: dict[str, Any]) -> Metric:
        """Change it; proved and tried anew where what is counted changes."""
        return definition.redefine(instance, fields, self.actor)

    def perform_destroy(self, instance: Metric) -> None:
        """Delete it; 409 while an optimization uses it."""
        definition.forget(instance, self.actor)

    @extend_schema(request=LimitBody, responses=PreviewShape)
    def preview(self, _request: Request, **_kwargs: Any) -> Response:
        """Show its rows, and say what looks wrong with it."""
        metric = self.get_object()
        limit = self.read_body(LimitBody)["limit"]
        return Response(preview_body(*preview.of(metric, limit)))


class UnsavedMetricViewSet(OrganizationViewSet[Metric]):
    """A metric before it is saved."""

    queryset = Metric.objects.none()
    serializer_class = PreviewShape

    @extend_schema(request=PreviewBody, responses=PreviewShape)
    def preview(self, _request: Request) -> Response:
        """Try a metric before it is saved, and say what looks wrong with it."""
        body = self.read_body(PreviewBody)
        limit = body.pop("limit")
        metric = Metric(organization_id=self.organization_id, **body)
        return Response(preview_body(*preview.of(metric, limit)))


class AssignmentSourceViewSet(
    Lists[AssignmentSource],
    Creates[AssignmentSource],
    Retrieves[AssignmentSource],
    Updates[AssignmentSource],
    Deletes[AssignmentSource],
):
    """Where exposures live in a connected warehouse; the managed one needs none."""

    queryset = AssignmentSource.objects.all()
    serializer_class = SourceShape
    create_serializer_class = SourceBody
    update_serializer_class = SourceBody
    list_name = "assignment_sources"
    permission_classes = [AdminFor("destroy")]

    def perform_create(self, fields: dict[str, Any]) -> AssignmentSource:
        """Prove its SQL, run it for one row, save it; 409 on the managed warehouse."""
        return sources.define(self.organization_id, fields, self.actor)

    def perform_update(
        self, instance: AssignmentSource, fields: dict[str, Any]
    ) -> AssignmentSource:
        """Change it; proved and tried anew where query or mapping change."""
        return sources.redefine(instance, fields, self.actor)

    def perform_destroy(self, instance: AssignmentSource) -> None:
        """Delete it; 409 while an optimization uses it, and for the default."""
        sources.forget(instance, self.actor)

    @extend_schema(request=LimitBody, responses=SourcePreviewShape)
    def preview(self, _request: Request, **_kwargs: Any) -> Response:
        """Show its rows, and say what looks wrong with it."""
        source = self.get_object()
        limit = self.read_body(LimitBody)["limit"]
        return Response(source_preview_body(sources.preview(source, limit)))
