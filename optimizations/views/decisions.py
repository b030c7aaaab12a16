"""Endpoint: why a user got their variant."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations.models import Optimization
from optimizations.serving import explanation
from optimizations.serving.explanation import DecisionExplanation
from optimizations.views import csv_rows


class DecisionViewSet(OrganizationViewSet[Optimization]):
    """Decisions, replayed from their receipts."""

    queryset = Optimization.objects.filter(deleted_at=None).select_related("model")
    csv_sections = {"retrieve": csv_rows.RECEIPTS}

    @extend_schema(responses=DecisionExplanation)
    def retrieve(
        self, _request: Request, anonymous_id: str, **_kwargs: Any
    ) -> Response:
        """Explain it by arm, policy version, context and every variant's probability."""
        optimization = self.get_object()
        return Response(explanation.explain_assignment(optimization, anonymous_id))
