"""Endpoint: what a model has learned."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations.models import Optimization
from optimizations.results.readings import model_state
from optimizations.results.readings.model_state import ModelState
from optimizations.views import csv_rows


class ModelStateViewSet(OrganizationViewSet[Optimization]):
    """The state of a model; it is served here because optimizations own the counts."""

    queryset = Optimization.objects.filter(model__deleted_at=None).select_related(
        "model", "reward_metric"
    )
    large_actions = ("state",)
    csv_sections = {"state": csv_rows.MODEL_STATE}
    lookup_field = "model_id"
    lookup_url_kwarg = "pk"

    @extend_schema(responses=ModelState)
    def state(self, _request: Request, **_kwargs: Any) -> Response:
        """Return what it has learned: by variant, by context level, and coefficients."""
        return Response(model_state.build_model_state(self.get_object()))
