"""Endpoint: why this user got this variant."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations.models import Optimization
from optimizations.serializers.decisions import DecisionExplanationSerializer
from optimizations.serving import explanation


class DecisionViewSet(OrganizationViewSet[Optimization]):
    """Receipts, replayed."""

    queryset = Optimization.objects.filter(deleted_at=None).select_related("model")
    serializer_class = DecisionExplanationSerializer

    @extend_schema(operation_id="optimizations_decisions_retrieve")
    def retrieve(
        self, _request: Request, anonymous_id: str, **_kwargs: Any
    ) -> Response:
        """Explain: arm, policy version, probabilities of every variant, context."""
        found = explanation.explain_assignment(self.get_object(), anonymous_id)
        return Response(found.as_json())
