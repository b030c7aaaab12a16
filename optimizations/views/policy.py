"""Endpoint: the allocation table of a model, for clients that decide locally."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import payloads
from levered_site.organizations.viewsets import RetrieveViewSet
from optimizations.models import Optimization
from optimizations.serving import policy_export
from optimizations.serving.policy_export import Policy
from optimizations.views import csv_rows


class PolicyViewSet(RetrieveViewSet[Optimization]):
    """The policy of a model; it is served here because optimizations own the holdout."""

    queryset = Optimization.objects.filter(
        deleted_at=None, model__deleted_at=None
    ).select_related("model")
    large_actions = ("retrieve",)
    csv_sections = {"retrieve": csv_rows.MODEL_POLICY}
    lookup_field = "model_id"
    lookup_url_kwarg = "pk"

    @extend_schema(responses=Policy)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the table that serves now; 304 if If-None-Match names it."""
        return super().retrieve(request, *args, **kwargs)

    def represent(self, instance: Optimization) -> Mapping[str, Any]:
        """Return the fields of the answer, which the ETag stands for."""
        return payloads.list_fields(policy_export.export_model_policy(instance))
