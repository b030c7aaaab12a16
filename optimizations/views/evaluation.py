"""Endpoint: estimate what another policy would have earned."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import slow_requests
from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations.models import Optimization
from optimizations.off_policy import evaluate
from optimizations.off_policy.policy_evaluation import PolicyEvaluation
from optimizations.serializers.evaluation import EvaluateSerializer
from optimizations.views import csv_rows


class EvaluationViewSet(OrganizationViewSet[Optimization]):
    """Off-policy evaluation."""

    read_only_actions = ("evaluate",)
    csv_sections = {"evaluate": csv_rows.EVALUATION}

    queryset = Optimization.objects.filter(deleted_at=None).select_related(
        "model", "reward_metric"
    )

    @extend_schema(
        request=EvaluateSerializer,
        responses=PolicyEvaluation,
    )
    def evaluate(self, request: Request, **_kwargs: Any) -> Response:
        """Estimate what another policy would have earned, from the stored counts.

        A policy that needs a variant which the policy of that time could not serve is
        refused with a 409 that names both.
        """
        optimization = self.get_object()
        serializer = EvaluateSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with slow_requests.reserve_thread():
            return Response(
                evaluate.build_evaluation(optimization, serializer.to_request())
            )
