"""Endpoints: metrics, and where a connected warehouse keeps exposures."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from levered_site.organizations.permissions import require_admin_for
from levered_site.organizations.viewsets import (
    CreateViewSet,
    DeleteViewSet,
    ListViewSet,
    OrganizationViewSet,
    RetrieveViewSet,
    UpdateViewSet,
)
from metrics import definition, preview, sources
from metrics.models import AssignmentSource, Metric
from metrics.serializers import (
    AssignmentSourceBodySerializer,
    AssignmentSourceSerializer,
    MetricBodySerializer,
    MetricSerializer,
    PreviewLimitSerializer,
)
from warehouse.serializers import (
    PreviewBodySerializer,
    PreviewSerializer,
    SourcePreviewSerializer,
    serialize_preview,
    serialize_source_preview,
)


class MetricViewSet(
    ListViewSet[Metric],
    CreateViewSet[Metric],
    RetrieveViewSet[Metric],
    UpdateViewSet[Metric],
    DeleteViewSet[Metric],
):
    """What counts as success."""

    queryset = Metric.objects.all()
    serializer_class = MetricSerializer
    create_serializer_class = MetricBodySerializer
    update_serializer_class = MetricBodySerializer
    list_name = "metrics"
    permission_classes = [require_admin_for("destroy")]

    def perform_create(self, fields: dict[str, Any]) -> Metric:
        """Prove its SQL, run it for one row, save it."""
        return definition.create_metric(self.organization_id, fields, self.actor)

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
        return definition.update_metric(instance, fields, self.actor)

    def perform_destroy(self, instance: Metric) -> None:
        """Delete it; 409 while an optimization uses it."""
        definition.delete_metric(instance, self.actor)

    @extend_schema(request=PreviewLimitSerializer, responses=PreviewSerializer)
    def preview(self, _request: Request, **_kwargs: Any) -> Response:
        """Show its rows, and say what looks wrong with it."""
        metric = self.get_object()
        limit = self.read_body(PreviewLimitSerializer)["limit"]
        return Response(serialize_preview(*preview.preview_metric(metric, limit)))


class UnsavedMetricViewSet(OrganizationViewSet[Metric]):
    """A metric before it is saved."""

    queryset = Metric.objects.none()
    serializer_class = PreviewSerializer

    @extend_schema(request=PreviewBodySerializer, responses=PreviewSerializer)
    def preview(self, _request: Request) -> Response:
        """Try a metric before it is saved, and say what looks wrong with it."""
        body = self.read_body(PreviewBodySerializer)
        limit = body.pop("limit")
        metric = Metric(organization_id=self.organization_id, **body)
        return Response(serialize_preview(*preview.preview_metric(metric, limit)))


class AssignmentSourceViewSet(
    ListViewSet[AssignmentSource],
    CreateViewSet[AssignmentSource],
    RetrieveViewSet[AssignmentSource],
    UpdateViewSet[AssignmentSource],
    DeleteViewSet[AssignmentSource],
):
    """Where exposures live in a connected warehouse; the managed one needs none."""

    queryset = AssignmentSource.objects.all()
    serializer_class = AssignmentSourceSerializer
    create_serializer_class = AssignmentSourceBodySerializer
    update_serializer_class = AssignmentSourceBodySerializer
    list_name = "assignment_sources"
    permission_classes = [require_admin_for("destroy")]

    def perform_create(self, fields: dict[str, Any]) -> AssignmentSource:
        """Prove its SQL, run it for one row, save it; 409 on the managed warehouse."""
        return sources.create_source(self.organization_id, fields, self.actor)

    def perform_update(
        self, instance: AssignmentSource, fields: dict[str, Any]
    ) -> AssignmentSource:
        """Change it; proved and tried anew where query or mapping change."""
        return sources.update_source(instance, fields, self.actor)

    def perform_destroy(self, instance: AssignmentSource) -> None:
        """Delete it; 409 while an optimization uses it, and for the default."""
        sources.delete_source(instance, self.actor)

    @extend_schema(request=PreviewLimitSerializer, responses=SourcePreviewSerializer)
    def preview(self, _request: Request, **_kwargs: Any) -> Response:
        """Show its rows, and say what looks wrong with it."""
        source = self.get_object()
        limit = self.read_body(PreviewLimitSerializer)["limit"]
        return Response(serialize_source_preview(sources.preview_source(source, limit)))
