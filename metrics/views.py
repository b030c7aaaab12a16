"""Endpoints: metrics, and the assignment sources of connected warehouses."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from levered_site.api.csv_sections import QueryRowsSection
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
    SavedAssignmentSourceSerializer,
    SavedMetricSerializer,
    SourcePreviewBodySerializer,
)
from warehouse.backends import query_validation
from warehouse.previews import AssignmentSourcePreview, MetricPreview
from warehouse.serializers import PreviewBodySerializer


class WarningsMixin:
    """Answers of POST and PATCH that say what looks wrong with what was saved."""

    warnings: Sequence[str] = ()

    def add_warnings(self, response: Response) -> Response:
        """Add the warnings, which are no part of the resource and so not of its ETag."""
        response.data = {**response.data, "warnings": list(self.warnings)}
        return response


class MetricViewSet(
    WarningsMixin,
    ListViewSet[Metric],
    CreateViewSet[Metric],
    RetrieveViewSet[Metric],
    UpdateViewSet[Metric],
    DeleteViewSet[Metric],
):
    """Metrics: what counts as success."""

    queryset = Metric.objects.all()
    serializer_class = MetricSerializer
    create_serializer_class = MetricBodySerializer
    update_serializer_class = MetricBodySerializer
    list_name = "metrics"
    permission_classes = [require_admin_for("destroy")]
    read_only_actions = ("preview",)
    csv_sections = {"preview": (QueryRowsSection(),)}

    def perform_create(self, fields: dict[str, Any]) -> Metric:
        """Validate its SQL, run it for one row, save it."""
        metric = definition.create_metric(self.organization_id, fields, self.actor)
        self.warnings = metric.warnings
        return metric

    @extend_schema(responses={201: SavedMetricSerializer})
    def create(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        """Create a metric; `warnings` say what looks wrong with its rows."""
        return self.add_warnings(super().create(request, *_args, **_kwargs))

    @extend_schema(responses=SavedMetricSerializer)
    def partial_update(
        self, _request: Request, *_args: Any, **_kwargs: Any
    ) -> Response:
        """Change a metric; `warnings` say what looks wrong with its rows."""
        return self.add_warnings(super().partial_update(_request, *_args, **_kwargs))

    def read_body(
        self, shape: type[BaseSerializer[Any]], *, partial: bool = False
    ) -> dict[str, Any]:
        """Validate the body, a change together with the saved metric."""
        self.saved = self.get_object() if partial else None
        return super().read_body(shape, partial=partial)

    def get_serializer_context(self) -> dict[str, Any]:
        """Add the metric that a change applies to."""
        saved = getattr(self, "saved", None)
        return {**super().get_serializer_context(), "metric": saved}

    def perform_update(self, instance: Metric, fields: dict[str, Any]) -> Metric:
        """Change it; validate and run it again if the change affects what is counted."""
        metric = definition.update_metric(instance, fields, self.actor)
        self.warnings = metric.warnings
        return metric

    def perform_destroy(self, instance: Metric) -> None:
        """Delete it; 409 while an optimization uses it."""
        definition.delete_metric(instance, self.actor)

    @extend_schema(request=PreviewLimitSerializer, responses=MetricPreview)
    def preview(self, _request: Request, **_kwargs: Any) -> Response:
        """Return some of its rows, and warnings about all of them."""
        metric = self.get_object()
        limit = self.read_body(PreviewLimitSerializer)["limit"]
        return Response(preview.preview_metric(metric, limit))


class UnsavedMetricViewSet(OrganizationViewSet[Metric]):
    """Metrics that are not saved."""

    queryset = Metric.objects.none()
    read_only_actions = ("preview",)
    csv_sections = {"preview": (QueryRowsSection(),)}

    @extend_schema(request=PreviewBodySerializer, responses=MetricPreview)
    def preview(self, _request: Request) -> Response:
        """Preview a metric without saving it: some rows, and warnings about all of them."""
        body = self.read_body(PreviewBodySerializer)
        limit = body.pop("limit")
        metric = Metric(organization_id=self.organization_id, **body)
        with query_validation.translate_query_failures():
            return Response(preview.preview_metric(metric, limit))


class UnsavedSourceViewSet(OrganizationViewSet[AssignmentSource]):
    """Assignment sources that are not saved."""

    queryset = AssignmentSource.objects.none()
    read_only_actions = ("preview",)
    csv_sections = {"preview": (QueryRowsSection(),)}

    @extend_schema(
        request=SourcePreviewBodySerializer,
        responses=AssignmentSourcePreview,
    )
    def preview(self, _request: Request) -> Response:
        """Preview a source without saving it: some rows, and warnings about all of them."""
        body = self.read_body(SourcePreviewBodySerializer)
        limit = body.pop("limit")
        source = AssignmentSource(organization_id=self.organization_id, **body)
        with query_validation.translate_query_failures():
            return Response(sources.preview_source(source, limit))


class AssignmentSourceViewSet(
    WarningsMixin,
    ListViewSet[AssignmentSource],
    CreateViewSet[AssignmentSource],
    RetrieveViewSet[AssignmentSource],
    UpdateViewSet[AssignmentSource],
    DeleteViewSet[AssignmentSource],
):
    """Assignment sources: queries for the exposures in a connected warehouse."""

    queryset = AssignmentSource.objects.all()
    serializer_class = AssignmentSourceSerializer
    create_serializer_class = AssignmentSourceBodySerializer
    update_serializer_class = AssignmentSourceBodySerializer
    list_name = "assignment_sources"
    permission_classes = [require_admin_for("destroy")]
    read_only_actions = ("preview",)
    csv_sections = {"preview": (QueryRowsSection(),)}

    def perform_create(self, fields: dict[str, Any]) -> AssignmentSource:
        """Validate its SQL, run it for one row, save it; 409 on the managed warehouse."""
        source = sources.create_source(self.organization_id, fields, self.actor)
        self.warnings = source.warnings
        return source

    @extend_schema(responses={201: SavedAssignmentSourceSerializer})
    def create(self, request: Request, *_args: Any, **_kwargs: Any) -> Response:
        """Create a source; `warnings` say what looks wrong with its rows."""
        return self.add_warnings(super().create(request, *_args, **_kwargs))

    @extend_schema(responses=SavedAssignmentSourceSerializer)
    def partial_update(
        self, _request: Request, *_args: Any, **_kwargs: Any
    ) -> Response:
        """Change a source; `warnings` say what looks wrong with its rows."""
        return self.add_warnings(super().partial_update(_request, *_args, **_kwargs))

    def perform_update(
        self, instance: AssignmentSource, fields: dict[str, Any]
    ) -> AssignmentSource:
        """Change it; validate and run it again if the SQL or the mapping changes."""
        source = sources.update_source(instance, fields, self.actor)
        self.warnings = source.warnings
        return source

    def perform_destroy(self, instance: AssignmentSource) -> None:
        """Delete it; 409 for the default and while an optimization uses it."""
        sources.delete_source(instance, self.actor)

    @extend_schema(request=PreviewLimitSerializer, responses=AssignmentSourcePreview)
    def preview(self, _request: Request, **_kwargs: Any) -> Response:
        """Return some of its rows, and warnings about all of them."""
        source = self.get_object()
        limit = self.read_body(PreviewLimitSerializer)["limit"]
        return Response(sources.preview_source(source, limit))
