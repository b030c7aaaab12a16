"""Endpoints: the candidate beside the live model, and its promotion."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from levered_site.api import etags, slow_requests
from levered_site.organizations.permissions import require_admin_for
from levered_site.organizations.viewsets import OrganizationViewSet
from optimizations.models import Optimization
from optimizations.off_policy import candidate_report
from optimizations.off_policy.candidate_report import CandidateReport
from optimizations.serializers.candidates import PutCandidateSerializer
from optimizations.serializers.optimization_responses import OptimizationSerializer
from optimizations.training import candidates
from optimizations.views import csv_rows


class CandidateViewSet(OrganizationViewSet[Optimization]):
    """The candidate of an optimization: at most one, trained with every training run."""

    queryset = Optimization.objects.filter(deleted_at=None).select_related(
        "model", "reward_metric"
    )
    permission_classes = [require_admin_for("destroy", "promote")]
    csv_sections = {"retrieve": csv_rows.CANDIDATE}

    @extend_schema(responses=CandidateReport)
    def retrieve(self, _request: Request, **_kwargs: Any) -> Response:
        """Return its settings, and what it would have earned so far."""
        optimization = self.get_object()
        with slow_requests.reserve_thread():
            return self._build_response(optimization)

    @extend_schema(
        request=PutCandidateSerializer,
        responses={200: CandidateReport, 201: CandidateReport},
    )
    def replace(self, _request: Request, **_kwargs: Any) -> Response:
        """Set it; 201 if it is new. The tables of a replaced candidate are deleted.

        Only an admin may replace a candidate that has tables, or discard it.
        """
        optimization = self.get_object()
        fields = self.read_body(PutCandidateSerializer)
        _, is_new = candidates.set_candidate(
            optimization, fields, self.actor, may_discard=self.caller.is_admin
        )
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return self._build_response(optimization, code)

    @extend_schema(responses={204: None})
    def destroy(self, _request: Request, **_kwargs: Any) -> Response:
        """Delete it and its tables."""
        with self.get_object_for_update() as optimization:
            candidates.discard_candidate(optimization, self.actor)
        return Response(None, status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=OptimizationSerializer)
    def promote(self, _request: Request, **_kwargs: Any) -> Response:
        """Serve its newest table, and train with its settings from now on.

        This removes the candidate and cancels a training in progress. If-Match with the
        candidate's ETag promotes that candidate and no other.
        """
        self.refuse_body()
        with self.get_object_for_update() as optimization:
            promoted = candidates.promote_candidate(optimization, self.actor)
        return Response(OptimizationSerializer(promoted).data)

    def represent(self, instance: Optimization) -> Mapping[str, Any]:
        """Return what its ETag stands for: the candidate, without its results so far."""
        return candidates.build_identity(candidates.load_candidate(instance))

    def _build_response(
        self, optimization: Optimization, code: int = status.HTTP_200_OK
    ) -> Response:
        tag = etags.compute_etag(self.represent(optimization))
        return Response(
            candidate_report.build_candidate_report(optimization),
            code,
            headers={"ETag": tag},
        )
